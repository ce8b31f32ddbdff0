export { type Clock, sleep, type Timer } from './clock.ts'
export type { Disk, DiskFile } from './disk.ts'
export { memoryDisk } from './memory/disk.ts'
export { memoryWire } from './memory/wire.ts'
export type { Random } from './random.ts'
export { realClock } from './real/clock.ts'
export { realDisk } from './real/disk.ts'
export { realRandom } from './real/random.ts'
export { realWire } from './real/wire.ts'
export { realWorld } from './real/world.ts'
export { SimulatedClock } from './simulated/clock.ts'
export { type DiskObserver, type DiskTemper, SimulatedDisk } from './simulated/disk.ts'
export type { DiskOperation, FaultRule } from './simulated/faults.ts'
export { SeededRandom } from './simulated/random.ts'
export type { Fate } from './simulated/simulated-file.ts'
export { SimulatedWire, type Weather } from './simulated/wire.ts'
export {
  type CrashOptions,
  SimulatedMachine,
  type SimulatedWorld,
  type SimulatedWorldOptions,
  simulatedWorld,
} from './simulated/world.ts'
export type { Address, Connection, ConnectionEvents, ConnectOptions, Listener, Wire } from './wire.ts'
export type { World } from './world.ts'
