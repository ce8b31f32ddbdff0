import type { World } from '../world.ts'
import { realClock } from './clock.ts'
import { realDisk } from './disk.ts'
import { realRandom } from './random.ts'
import { realWire } from './wire.ts'

/** The machine this process runs on. */
export function realWorld(): World {
  return { clock: realClock, random: realRandom, disk: realDisk, wire: realWire }
}
