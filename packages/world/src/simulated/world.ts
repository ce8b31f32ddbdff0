/**
 * A world from a seed: what happens in it happens again, in the same order, with the same seed.
 *
 * It is itself the world of one machine, 127.0.0.1, that never crashes as a whole. `machine(name)` gives more, each with a disk of its
 * own, all on one wire and one clock. Programs run on a machine through `boot()`; `crash()` takes that life from them.
 */

import type { Disk } from '../disk.ts'
import type { Random } from '../random.ts'
import type { Wire } from '../wire.ts'
import type { World } from '../world.ts'
import { clockOfDevices, clockOfLife, SimulatedClock } from './clock.ts'
import { type DiskTemper, SimulatedDisk } from './disk.ts'
import type { ProcessGate } from './process-gate.ts'
import { SeededRandom } from './random.ts'
import type { Fate } from './simulated-file.ts'
import { SimulatedWire, type Weather } from './wire.ts'

export interface SimulatedWorldOptions {
  seed: number
  weather?: Weather
  disk?: DiskTemper
}

export interface SimulatedWorld extends World {
  readonly clock: SimulatedClock
  readonly random: SeededRandom
  readonly disk: SimulatedDisk
  readonly wire: SimulatedWire
  /** The machine of that name; made when first asked for. */
  machine(name: string): SimulatedMachine
}

export function simulatedWorld({ seed, weather, disk }: SimulatedWorldOptions): SimulatedWorld {
  const random = new SeededRandom(seed)
  const clock = new SimulatedClock()
  const wire = new SimulatedWire(clock, random.fork('wire'), weather)
  const machines = new Map<string, SimulatedMachine>()
  const machine = (name: string) => {
    const made = machines.get(name) ?? new SimulatedMachine(name, clock, wire, random.fork(`machine ${name}`), disk)
    machines.set(name, made)
    return made
  }
  return {
    clock,
    random: random.fork('world'),
    disk: new SimulatedDisk(clock, random.fork('disk'), disk),
    wire,
    machine,
  }
}

export interface CrashOptions {
  /** What becomes of what was not synced. */
  unsynced?: Fate
}

export class SimulatedMachine {
  readonly name: string
  readonly disk: SimulatedDisk
  readonly #clock: SimulatedClock
  readonly #wire: SimulatedWire
  readonly #random: SeededRandom
  readonly #gate: ProcessGate
  #wallOffsetMs = 0
  #life = 0
  #boots = 0

  constructor(name: string, clock: SimulatedClock, wire: SimulatedWire, random: SeededRandom, temper?: DiskTemper) {
    this.name = name
    this.#gate = wire.gate(name)
    const devices = clockOfDevices(clock, act => this.#gate.happened(act))
    this.disk = new SimulatedDisk(devices, random.fork('disk'), temper)
    this.#clock = clock
    this.#wire = wire
    this.#random = random
  }

  /** The world as a program started now sees it, until the next crash. Its chance is another each time. */
  boot(): World {
    const life = this.#life
    const isAlive = () => life === this.#life
    const random: Random = this.#random.fork(`boot ${this.#boots++}`)
    const timerDue = (act: () => void) => this.#gate.timerDue(act)
    return {
      clock: clockOfLife(this.#clock, { isAlive, timerDue, wallOffsetMs: () => this.#wallOffsetMs }),
      random,
      disk: diskOfLife(this.disk, isAlive),
      wire: wireOfLife(this.#wire.from(this.name), isAlive),
    }
  }

  /** Power fails: timers never fire, connections break, the disk keeps what was synced and some of the rest. */
  crash(options: CrashOptions = {}): void {
    this.#life++
    this.#gate.clear()
    this.#wire.crash(this.name)
    this.disk.crash(options)
  }

  /**
   * Power fails in the middle of the program's work: at the disk operation after `operations` more. `crashed` is called at that very
   * moment. Gives what takes it back.
   */
  crashAt(operations: number, { crashed, ...options }: CrashOptions & { crashed?: () => void } = {}): () => void {
    let left = operations
    this.disk.observe(() => {
      if (left-- > 0) return
      this.disk.observe(undefined)
      this.crash(options)
      crashed?.()
    })
    return () => this.disk.observe(undefined)
  }

  get isPaused(): boolean {
    return this.#gate.isPaused
  }

  /** The program stops, the world goes on: see ProcessGate. */
  pause(): void {
    this.#gate.pause()
  }

  resume(): void {
    this.#gate.resume()
  }

  /** Its wall clock jumps by `ms`, either way, and stays off. Timers do not notice. */
  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }
}

/** A program that was crashed may still run to its next `await`; it finds that nothing works any more. */
function checked<A extends unknown[], T>(
  isAlive: () => boolean,
  act: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  return async (...args) => {
    if (!isAlive()) throw crashed()
    return act(...args)
  }
}

function crashed(): Error {
  return Object.assign(new Error('EIO: this machine has crashed'), { code: 'EIO' })
}

function diskOfLife(disk: Disk, isAlive: () => boolean): Disk {
  return {
    open: checked(isAlive, (path, mode) => disk.open(path, mode)),
    readFile: checked(isAlive, path => disk.readFile(path)),
    list: checked(isAlive, folder => disk.list(folder)),
    exists: checked(isAlive, path => disk.exists(path)),
    makeFolder: checked(isAlive, path => disk.makeFolder(path)),
    remove: checked(isAlive, path => disk.remove(path)),
    rename: checked(isAlive, (from, to) => disk.rename(from, to)),
    link: checked(isAlive, (from, to) => disk.link(from, to)),
    isSameFile: checked(isAlive, (path, other) => disk.isSameFile(path, other)),
    syncFolder: checked(isAlive, folder => disk.syncFolder(folder)),
  }
}

function wireOfLife(wire: Wire, isAlive: () => boolean): Wire {
  return {
    listen: checked(isAlive, (at, accept) => wire.listen(at, accept)),
    connect: checked(isAlive, async (to, options) => {
      const connection = await wire.connect(to, options)
      if (isAlive()) return connection
      connection.destroy()
      throw crashed()
    }),
  }
}
