/** The output topic of those who process exactly once: how it is made, and how it is read when all is over. */
import type { Kafka } from '@odradek/client'
import { sleep } from '@odradek/world'
import { output, processors, transactionTimeoutMs } from './processing.ts'
import { nameIn, padded } from './producing.ts'
import type { Client, Scene } from './scene.ts'

export async function makeOutput({ plan }: Scene, kafka: Kafka): Promise<void> {
  await kafka.admin().topics.create({ name: output, partitions: plan.outputPartitions })
}

/**
 * Transactions that somebody left open come to their end by themselves. A last record is put behind them: who reads what is committed
 * has to come to it.
 */
export async function finishProcessing({ plan, world, recorder }: Scene, kafka: Kafka): Promise<void> {
  await sleep(world.clock, 5 * transactionTimeoutMs)
  const producer = kafka.producer()
  for (let index = 0; index < plan.outputPartitions; index++) {
    const [value, partition] = [`last of ${index}`.replaceAll(' ', '-'), `${output}-${index}`]
    recorder.note({ kind: 'send', process: 'founder', value, partition })
    const { offset } = await producer.send(output, { partition: index, value: padded(value, 0) })
    recorder.note({ kind: 'sent', value, partition, offset })
  }
  await producer.close()
}

/** Reads what is committed of the outputs, from their start, while there is trouble. */
export class OutputReading {
  readonly #scene: Scene
  readonly #stopping = new AbortController()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const crashed = Promise.withResolvers<void>()
      const client = this.#scene.clients.start('output-reader', crashed.resolve)
      await Promise.race([this.#life(client), crashed.promise])
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #life(client: Client): Promise<void> {
    const { plan, recorder, clients } = this.#scene
    const { name: process } = client
    const partitions = Array.from({ length: plan.outputPartitions }, (_, partition) => ({ topic: output, partition }))
    const consumer = client.kafka.consumer({ partitions, from: 'earliest', isolation: 'read_committed' })
    const { signal } = this.#stopping
    try {
      for await (const batch of consumer.batches({ max: 200, maxWaitMs: 5, signal })) {
        if (client.isDead) return
        const records = Array.from(batch, ({ partition, offset, valueBytes }) => {
          return { partition: `${output}-${partition}`, offset, value: nameIn(valueBytes) }
        })
        recorder.note({ kind: 'poll', process, records })
      }
    } catch (error) {
      if (!signal.aborted && !client.isDead) recorder.remark(`${process} ended: ${(error as Error).message}`)
    }
    await clients.close(client)
  }
}

/** Notes what is committed: the outputs, and how far the group has come. */
export async function noteProcessed({ plan, recorder, clients }: Scene): Promise<void> {
  const process = 'committed-auditor'
  const { kafka, ...client } = clients.start(process)
  for await (const { partition, offset, valueBytes } of kafka.read(output, { isolation: 'read_committed' })) {
    const records = [{ partition: `${output}-${partition}`, offset, value: nameIn(valueBytes) }]
    recorder.note({ kind: 'poll', process, records })
  }
  const admin = kafka.admin()
  for (const { partition, offset: highWatermark } of await admin.topics.offsets(output, 'latest'))
    recorder.note({ kind: 'end', process, partition: `${output}-${partition}`, logStart: 0, highWatermark })
  const found = await admin.groups.offsets(processors)
  for (const { name: topic, partitions } of plan.topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const until = found.find(at => at.topic === topic && at.partition === partition)?.offset ?? 0
      recorder.note({ kind: 'processed', group: processors, partition: `${topic}-${partition}`, until })
    }
  }
  await clients.close({ ...client, kafka })
}
