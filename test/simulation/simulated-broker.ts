/**
 * A broker on a simulated machine, with a client that reaches it over a simulated wire. Its logs are on the simulated disk and suffer
 * with it; its metadata is a real SQLite file, whose own durability is SQLite's business, and is carried from life to life.
 */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Broker } from '@odradek/broker'
import { Kafka } from '@odradek/client'
import { type Fate, type SimulatedMachine, type SimulatedWorld, simulatedWorld, type Weather } from '@odradek/world'

const port = 9092

export class SimulatedBroker implements Disposable {
  readonly world: SimulatedWorld
  readonly machine: SimulatedMachine
  readonly kafka: Kafka
  readonly #config: Record<string, string>
  #folder = freshFolder()

  constructor(seed: number, { weather, config = {} }: { weather?: Weather; config?: Record<string, string> } = {}) {
    this.world = simulatedWorld({ seed, disk: { syncMs: [0.2, 5] }, ...(weather && { weather }) })
    this.machine = this.world.machine('broker')
    this.#config = config
    const { clock, random, wire } = this.world
    this.kafka = new Kafka({ brokers: `broker:${port}`, world: { clock, random, wire: wire.from('client') } })
  }

  async start(): Promise<void> {
    const { clock } = this.world
    await clock.finish(this.#keepFolder())
    await clock.finish(
      Broker.start({
        world: this.machine.boot(),
        listen: { host: '127.0.0.1', port },
        advertise: { host: 'broker', port },
        data: { folder: this.#folder },
        config: this.#config,
      }),
    )
  }

  /** Everything stops at once. The old process cannot let go of its metadata, so the next one gets a copy. */
  async crash(unsynced: Fate = 'seeded'): Promise<void> {
    this.machine.crash({ unsynced })
    const next = freshFolder()
    for (const file of readdirSync(this.#folder)) copyFileSync(join(this.#folder, file), join(next, file))
    await this.machine.disk.rename(this.#folder, next)
    rmSync(this.#folder, { recursive: true })
    this.#folder = next
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }

  /** The path to the data folder is not the broker's to make durable. */
  async #keepFolder(): Promise<void> {
    const { disk } = this.machine
    await disk.makeFolder(this.#folder)
    for (let folder = dirname(this.#folder); ; folder = dirname(folder)) {
      await disk.syncFolder(folder)
      if (folder === '/') return
    }
  }
}

function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'odradek-simulation-'))
}
