/**
 * A broker on a simulated machine that lives, dies and lives again. Its data is on the simulated disk and suffers with it; SQLite's file
 * is a real one, kept in memory where the system can, and is taken over as it is at the moment of a crash: its own durability is
 * SQLite's business.
 *
 *     down ──start──▶ starting ──▶ up ──stop──▶ down
 *               ▲         └──crash──┴──crash──▶ down
 *               └── a start that a fault has spoilt is tried again
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Broker } from '@odradek/broker'
import { type CrashOptions, type SimulatedMachine, type SimulatedWorld, sleep, type World } from '@odradek/world'
import type { Recorder } from './recorder.ts'

const port = 9092
const memory = '/dev/shm'
/** Longer than any of the waits within a start. */
const retryStartMs = 50

export class SimulatedServer implements Disposable {
  readonly machine: SimulatedMachine
  /** Where the broker keeps its data: the same path on the simulated disk, and for SQLite on the real one. */
  readonly folder: string
  readonly address = `broker:${port}`
  crashes = 0
  starts = 0
  #broker: Broker | undefined
  #isUp = false
  /** True while faults are about that may spoil a start. */
  mayFail = false
  readonly #world: SimulatedWorld
  readonly #config: Record<string, string>
  readonly #recorder: Recorder

  constructor(world: SimulatedWorld, config: Record<string, string>, recorder: Recorder) {
    this.#world = world
    this.#config = config
    this.#recorder = recorder
    this.machine = world.machine('broker')
    this.folder = join(existsSync(memory) ? memory : tmpdir(), `odradek-simulation-${process.pid}`)
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder, { recursive: true })
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Starts, again and again while faults spoil it. `crashAt`: power fails at this disk operation of the first start. */
  async start(crashAt?: number): Promise<void> {
    if (crashAt !== undefined) this.crashAt(crashAt, {})
    for (let attempt = 1; ; attempt++) {
      const life = this.crashes
      try {
        await this.#startOnce()
        return
      } catch (error) {
        const didCrash = life !== this.crashes
        if (!didCrash && !this.mayFail) throw error
        this.#recorder.remark(`start failed: ${(error as Error).message.replaceAll(this.folder, '…')}`)
        if (attempt > 200) throw error
        await sleep(this.#world.clock, retryStartMs)
      }
    }
  }

  async #startOnce(): Promise<void> {
    this.starts++
    const life = this.crashes
    const world = this.machine.boot()
    await this.#keepFolder(world)
    const failed = Promise.withResolvers<never>()
    this.#gaveUp = () => failed.reject(new Error('the machine crashed during the start'))
    const starting = Broker.start({
      world,
      listen: { host: '127.0.0.1', port },
      advertise: { host: 'broker', port },
      data: { folder: this.folder },
      config: this.#config,
      logger: this.#logger(life),
    })
    starting.catch(() => undefined)
    const broker = await Promise.race([starting, failed.promise])
    if (life !== this.crashes) throw new Error('the machine crashed during the start')
    this.#broker = broker
    this.#isUp = true
    this.#recorder.remark(`broker is up, start ${this.starts}`)
  }

  #gaveUp: () => void = () => {}

  /** Power fails now. */
  crash(options: CrashOptions): void {
    this.machine.crash(options)
    this.#crashed(options)
  }

  /** Power fails in the middle of the broker's work, so many disk operations from now. */
  crashAt(operations: number, options: CrashOptions): () => void {
    return this.machine.crashAt(operations, { ...options, crashed: () => this.#crashed(options, operations) })
  }

  #crashed({ unsynced = 'seeded' }: CrashOptions, operations?: number): void {
    this.crashes++
    this.#isUp = false
    this.#broker = undefined
    this.#takeMetadata()
    this.#recorder.remark(
      `crash, unsynced ${unsynced}${operations === undefined ? '' : `, at operation ${operations}`}`,
    )
    this.#gaveUp()
  }

  /** An orderly end. A crash may come between. */
  async stop(): Promise<void> {
    const broker = this.#broker
    const life = this.crashes
    if (broker === undefined) return
    this.#isUp = false
    this.#recorder.remark('shutdown')
    const failed = new Promise<void>(resolve => {
      this.#gaveUp = resolve
    })
    const closing = broker.close().catch(error => {
      if (life !== this.crashes) return
      if (!this.mayFail) throw error
      // An operator would kill it.
      this.crash({ unsynced: 'kept' })
    })
    await Promise.race([closing, failed])
    if (life !== this.crashes) return
    this.#broker = undefined
    this.#recorder.remark('broker is down')
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** The dead process still holds its file: the next one gets another with the same bytes, under the same name. */
  #takeMetadata(): void {
    for (const name of readdirSync(this.folder)) {
      const path = join(this.folder, name)
      copyFileSync(path, `${path}~`)
      renameSync(`${path}~`, path)
    }
  }

  /** The path to the data folder is not the broker's to make durable. */
  async #keepFolder({ disk }: World): Promise<void> {
    await disk.makeFolder(this.folder)
    for (let folder = dirname(this.folder); ; folder = dirname(folder)) {
      await disk.syncFolder(folder)
      if (folder === '/') return
    }
  }

  #logger(life: number) {
    const say = (level: string) => (fields: object, message: string) => {
      if (life !== this.crashes) return
      const text = JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))
      this.#recorder.remark(`broker ${level}: ${message} ${text.replaceAll(this.folder, '…')}`)
    }
    return { debug() {}, info: say('info'), warn: say('warn'), error: say('error') }
  }
}
