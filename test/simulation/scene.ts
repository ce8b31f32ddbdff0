/** Everything that a run of one seed shares. */
import { Kafka } from '@odradek/client'
import type { SeededRandom, SimulatedMachine, SimulatedWorld } from '@odradek/world'
import type { FaultName, Plan } from './plan.ts'
import type { Recorder } from './recorder.ts'
import { Replaying } from './replaying.ts'
import type { SimulatedServer } from './simulated-server.ts'

export interface Scene {
  readonly plan: Plan
  readonly world: SimulatedWorld
  readonly server: SimulatedServer
  readonly recorder: Recorder
  readonly clients: Clients
  readonly faultCounts: Map<FaultName, number>
  /** Files in which bits have turned over. */
  readonly rotten: Set<string>
}

/** A program on a machine of its own. */
export interface Client {
  readonly name: string
  readonly machine: SimulatedMachine
  readonly kafka: Kafka
  readonly random: SeededRandom
  /** Its process is gone: what it does from now on is nobody's doing. */
  isDead: boolean
}

/** The clients that are alive, and what starts another in the place of one that crashed. */
export class Clients {
  readonly #world: SimulatedWorld
  readonly #address: string
  readonly #alive = new Map<Client, () => void>()
  readonly replaying: Replaying
  #made = 0

  constructor(world: SimulatedWorld, address: string) {
    this.#world = world
    this.#address = address
    this.replaying = new Replaying(world)
  }

  /** `again`: called when the client has crashed, to start another. Without it nothing is done to the client. */
  start(kind: string, again?: () => void): Client {
    const name = `${kind}${this.#made++}`
    const machine = this.#world.machine(name)
    const booted = machine.boot()
    const tapped = { ...booted, wire: this.replaying.remembering(booted.wire) }
    const kafka = new Kafka({
      ...{ brokers: this.#address, clientId: name, world: tapped },
      ...{ requestTimeoutMs: 4_000, connectTimeoutMs: 2_000, retryTimeoutMs: 600_000, metadataMaxAgeMs: 3_000 },
    })
    const client: Client = { name, machine, kafka, random: this.#world.random.fork(name), isDead: false }
    if (again) this.#alive.set(client, again)
    return client
  }

  /** Those to whom something may happen. */
  get alive(): Client[] {
    return [...this.#alive.keys()]
  }

  crash(client: Client): void {
    const again = this.#alive.get(client)
    this.#alive.delete(client)
    client.isDead = true
    client.machine.crash()
    again?.()
  }

  async close(client: Client): Promise<void> {
    this.#alive.delete(client)
    await client.kafka.close().catch(() => undefined)
    client.isDead = true
  }
}
