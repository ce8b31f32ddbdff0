import { randomFillSync } from 'node:crypto'
import type { Random } from '../random.ts'

/** Unpredictable chance. `bytes` is fit for ids and secrets; `next` and `int` are fast and are not. */
export const realRandom: Random = {
  next: () => Math.random(),
  int: below => Math.floor(Math.random() * below),
  bytes: length => randomFillSync(new Uint8Array(length)),
}
