/** A producer: sends its records, and notes what it was told about each. */
import type { Producer, RecordMetadata } from '@odradek/client'
import { ErrorCodes, ProtocolError } from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { type PlannedProducer, type PlannedTopic, pick } from './plan.ts'
import type { Client, Scene } from './scene.ts'

/** The broker looked at these and did not write them, neither now nor at an earlier attempt. Of all other failures nobody knows. */
const refusals: ReadonlySet<number> = new Set([ErrorCodes.MESSAGE_TOO_LARGE])

const keys = 6

export class Producing {
  readonly #scene: Scene
  readonly #plan: PlannedProducer
  /** What has not been answered. */
  readonly #under = new Set<Promise<void>>()
  #left: number
  #isOver = false

  constructor(scene: Scene, plan: PlannedProducer) {
    this.#scene = scene
    this.#plan = plan
    this.#left = plan.records
  }

  /** Resolves when everything sent has been answered, or its sender is gone. */
  async run(): Promise<void> {
    const { clients } = this.#scene
    while (this.#left > 0 && !this.#isOver) {
      const crashed = Promise.withResolvers<void>()
      const client = clients.start('producer', crashed.resolve)
      await Promise.race([this.#life(client), crashed.promise])
    }
  }

  /** Sends nothing new. */
  stop(): void {
    this.#isOver = true
  }

  async #life(client: Client): Promise<void> {
    const { acks, idempotent, batchBytes, deliveryTimeoutMs, pauseMs } = this.#plan
    const { plan, world, clients } = this.#scene
    const producer = client.kafka.producer({
      ...{ acks, idempotent, batchBytes, deliveryTimeoutMs, requestTimeoutMs: 4_000, lingerMs: client.random.int(3) },
    })
    this.#under.clear()
    while (this.#left > 0 && !this.#isOver && !client.isDead) {
      const burst = 1 + client.random.int(4)
      for (let i = 0; i < burst && this.#left > 0; i++) this.#send(client, producer, pick(client.random, plan.topics))
      await sleep(world.clock, burst * pauseMs * client.random.next())
    }
    await Promise.all(this.#under)
    await clients.close(client)
  }

  #send(client: Client, producer: Producer, topic: PlannedTopic): void {
    const { recorder } = this.#scene
    const { acks, idempotent, padding } = this.#plan
    const { name: process, random } = client
    const value = `${process}.${--this.#left}`
    const partition = random.int(topic.partitions)
    const key = `k${random.int(keys)}`
    const tombstone = topic.isCompacted && random.chance(0.2)
    recorder.note({
      ...{ kind: 'send', process, value, partition: `${topic.name}-${partition}` },
      ...(topic.isCompacted && { key, tombstone, at: recorder.now }),
      ...(acks !== 'all' && { durable: false }),
      ...(!idempotent && { once: false, ordered: false }),
    })
    const record = {
      key,
      partition,
      ...(tombstone ? tombstoneOf(value) : { value: padded(value, random.int(padding + 1)) }),
    }
    const sending = producer.send(topic.name, record)
    const noted = sending.then(
      (metadata: RecordMetadata) => {
        if (client.isDead) return
        const { offset } = metadata
        recorder.note({ kind: 'sent', value, partition: `${topic.name}-${partition}`, offset })
      },
      error => {
        if (client.isDead) return
        const isRefused = error instanceof ProtocolError && refusals.has(error.errorCode)
        recorder.note({ kind: isRefused ? 'send-failed' : 'send-unknown', value, reason: String(error.code) })
      },
    )
    this.#under.add(noted)
  }
}

/** A record without a value carries its name in a header. */
const tombstoneOf = (name: string) => ({ value: null, headers: { name } })

/** A value's name stands before the first space. */
export function padded(name: string, length: number): string {
  return `${name} ${'.'.repeat(length)}`
}

export function nameIn(value: Uint8Array | null): string {
  const text = Buffer.from(value ?? []).toString('latin1')
  const end = text.indexOf(' ')
  return end < 0 ? text : text.slice(0, end)
}
