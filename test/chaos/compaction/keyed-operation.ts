/** One thing done to a compacted partition: a batch, or a transaction of two batches that is committed or aborted. */
import type { SeededRandom } from '@odradek/world'
import { dropping, keeping } from './keyed-topics.ts'

export type KeyedRecord = readonly [key: string, value: string | null]

export interface Operation {
  readonly id: number
  readonly partition: number
  readonly batches: readonly (readonly KeyedRecord[])[]
  /** Undefined: no transaction. Else its producer has the operation's id. */
  readonly end?: 'commit' | 'abort'
}

const keys = 12

export function operation(id: number, random: SeededRandom): Operation {
  const batch = (n: number) =>
    Array.from({ length: 1 + random.int(4) }, (_, i): KeyedRecord => {
      const value = random.chance(0.15) ? null : `${id}.${n}.${i} ${'v'.repeat(random.int(120))}`
      return [`key ${random.int(keys)}`, value]
    })
  const partition = random.chance(0.5) ? keeping : dropping
  if (random.chance(0.7)) return { id, partition, batches: [batch(0)] }
  return { id, partition, batches: [batch(0), batch(1)], end: random.chance(0.6) ? 'commit' : 'abort' }
}
