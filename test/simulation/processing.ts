/**
 * Exactly-once processing: members of a group that read the topics, write what they make of each record to the output topic, and commit
 * their offsets, all in one transaction. Each place among them has a transactional id, and whoever comes into it takes it over: after a
 * crash, or while the one before is still at work and does not know that its time is over.
 */
import { type RecordBatch, type TransactionalProducer, TransactionError } from '@odradek/client'
import { sleep } from '@odradek/world'
import { padded } from './producing.ts'
import type { Client, Scene } from './scene.ts'

export const processors = 'processors'
export const output = 'output'
export const transactionTimeoutMs = 4_000

/** The client says so where it does not know how a transaction ended. */
const unknownOutcome = 'COMMIT_OUTCOME_UNKNOWN'

class ChangedMind extends Error {}

export class Processing {
  readonly #scene: Scene
  readonly #place: number
  readonly #lives = new Set<Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(scene: Scene, place: number) {
    this.#scene = scene
    this.#place = place
  }

  /** Ends when it was stopped and everyone who has had the place has let go of it. */
  async run(): Promise<void> {
    const { clients, world } = this.#scene
    while (!this.#stopping.signal.aborted) {
      const crashed = Promise.withResolvers<void>()
      const client = clients.start('processor', crashed.resolve)
      const life = Promise.race([this.#life(client), crashed.promise])
      this.#lives.add(life)
      const replaced = client.random.chance(0.3) ? sleep(world.clock, client.random.int(6_000)) : life
      await Promise.race([life, replaced])
    }
    await Promise.all(this.#lives)
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #life(client: Client): Promise<void> {
    const { plan, recorder, clients } = this.#scene
    const { name: process, random, kafka } = client
    const producer = kafka.producer({
      ...{ transactionalId: `place${this.#place}`, transactionTimeoutMs, requestTimeoutMs: 4_000 },
      ...{ batchBytes: 1_000, deliveryTimeoutMs: 30_000 },
    })
    const consumer = kafka.consumer({
      ...{ group: processors, topics: plan.topics.map(({ name }) => name), from: 'earliest', commit: 'manual' },
      ...{ isolation: 'read_committed', metadataMaxAgeMs: 3_000, maxPollIntervalMs: 20_000 },
    })
    const { signal } = this.#stopping
    try {
      await producer.takeOver({ signal })
      for await (const batch of consumer.batches({ max: 1 + random.int(30), maxWaitMs: 20, signal })) {
        if (client.isDead) return
        if (!(await this.#process(client, producer, batch)) || signal.aborted) break
      }
    } catch (error) {
      if (!client.isDead && !signal.aborted) recorder.remark(`${process} ended: ${(error as Error).message}`)
    }
    await clients.close(client)
  }

  /** False when the producer is good for nothing any more. */
  async #process(client: Client, producer: TransactionalProducer, batch: RecordBatch<any>): Promise<boolean> {
    const { recorder, plan, world } = this.#scene
    const { name: process, random } = client
    const transaction = `${process}/${this.#transactions++}`
    const written: { value: string; partition: string; offset: Promise<number> }[] = []
    recorder.note({ kind: 'begin', process, transaction })
    const end = (outcome: 'committed' | 'aborted' | 'unknown') => {
      if (!client.isDead) recorder.note({ kind: 'end-transaction', transaction, outcome })
    }
    try {
      await producer.transaction(async tx => {
        tx.commitOffsets(batch)
        for (const { topic, partition: from, offset } of batch) {
          if (client.isDead) return
          const effectOf = `${topic}-${from}@${offset}`
          const value = `${effectOf}/${transaction}`
          const partition = random.int(plan.outputPartitions)
          const named = `${output}-${partition}`
          recorder.note({ kind: 'send', process, value, partition: named, transaction, effectOf })
          const sent = tx.send(output, { partition, value: padded(value, random.int(60)) })
          const at = sent.then(metadata => metadata.offset)
          at.catch(() => undefined)
          written.push({ value, partition: named, offset: at })
        }
        if (random.chance(0.3)) await sleep(world.clock, random.int(300))
        if (random.chance(0.15)) throw new ChangedMind('changed my mind')
      })
      if (client.isDead) return false
      end('committed')
      for (const { value, partition, offset } of written)
        recorder.note({ kind: 'sent', value, partition, offset: await offset })
      return !client.isDead
    } catch (error) {
      const isKnown = error instanceof TransactionError && !error.fatal && error.code !== unknownOutcome
      end(error instanceof ChangedMind || isKnown ? 'aborted' : 'unknown')
      return !(error instanceof TransactionError && error.fatal)
    }
  }

  #transactions = 0
}
