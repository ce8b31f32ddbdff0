import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Random } from './random.ts'
import type { Wire } from './wire.ts'

/** Everything a program cannot decide for itself. Passed down from the top; nothing below reaches around it. */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly wire: Wire
}
