/** Somebody who deletes records, changes settings, and makes, fills, empties and deletes a topic of their own. */
import { sleep } from '@odradek/world'
import { pick } from './plan.ts'
import { padded } from './producing.ts'
import { nameOf } from './reading.ts'
import type { Client, Scene } from './scene.ts'

const scratch = 'scratch'

export class Administering {
  readonly #scene: Scene
  #isOver = false
  /** Counts the topics that have had the scratch name. */
  #made = 0
  #sent = 0
  /** By partition, where the log starts at least. */
  readonly #starts = new Map<string, number>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  stop(): void {
    this.#isOver = true
  }

  async run(): Promise<void> {
    const crashed = Promise.withResolvers<void>()
    const client = this.#scene.clients.start('admin', crashed.resolve)
    await Promise.race([this.#life(client), crashed.promise])
  }

  async #life(client: Client): Promise<void> {
    const { world, clients, recorder } = this.#scene
    const acts = [this.#trim, this.#trim, this.#settings, this.#scratch]
    while (!this.#isOver && !client.isDead) {
      await sleep(world.clock, client.random.int(400))
      try {
        await pick(client.random, acts).call(this, client)
      } catch (error) {
        recorder.remark(`admin: ${(error as Error).message}`)
      }
    }
    await clients.close(client)
  }

  async #trim({ kafka, random }: Client): Promise<void> {
    const { plan, recorder } = this.#scene
    const { name: topic, partitions } = pick(random, plan.topics)
    const { topics } = kafka.admin()
    const partition = random.int(partitions)
    const name = `${topic}-${partition}`
    const [end] = await topics.offsets(topic, 'latest', { partitions: [partition] })
    const before = Math.max(this.#starts.get(name) ?? 0, random.int(end!.offset + 1))
    recorder.note({ kind: 'trim', partition: name, before })
    const [{ lowWatermark } = { lowWatermark: 0 }] = await topics.deleteRecords([{ topic, partition, before }])
    this.#starts.set(name, before)
    recorder.note({ kind: 'trimmed', partition: name, before: Math.min(before, lowWatermark) })
    const since = recorder.events.length
    const [start] = await topics.offsets(topic, 'earliest', { partitions: [partition] })
    recorder.note({ kind: 'log-start', partition: name, offset: start!.offset, since })
  }

  async #settings({ kafka, random }: Client): Promise<void> {
    const { plan, recorder } = this.#scene
    const { name: topic } = pick(random, plan.topics)
    const set = pick(random, [
      { 'segment.bytes': pick(random, ['600', '3000', '100000']) },
      { 'segment.ms': pick(random, ['50', '604800000']) },
      { 'message.timestamp.type': pick(random, ['CreateTime', 'LogAppendTime']) },
      { 'file.delete.delay.ms': pick(random, ['0', '500']) },
    ] as Record<string, string>[])
    recorder.remark(`admin sets ${topic}: ${JSON.stringify(set)}`)
    await kafka.admin().configs.alter({ topic }, { set })
  }

  /** Nothing of the topic that had the name before may show. */
  async #scratch({ kafka, random, name: process }: Client): Promise<void> {
    const { recorder } = this.#scene
    const { topics } = kafka.admin()
    await topics.delete(scratch, { ifExists: true })
    const config = { 'segment.bytes': '500' }
    await topics.create({ name: scratch, partitions: 1, config }, { ifNotExists: true })
    const partition = `${scratch}#${this.#made++}-0`
    const producer = kafka.producer({ idempotent: random.chance(0.5), requestTimeoutMs: 4_000 })
    const sending = Array.from({ length: 1 + random.int(12) }, async () => {
      const value = `${partition}.${this.#sent++}`
      recorder.note({ kind: 'send', process, value, once: false, ordered: false })
      const { offset } = await producer.send(scratch, { value: padded(value, random.int(200)) })
      recorder.note({ kind: 'sent', value, partition, offset })
    })
    const settled = await Promise.allSettled(sending)
    await producer.close()
    if (settled.some(({ status }) => status === 'rejected')) return
    const reader = `${process}.${this.#made}`
    for await (const record of kafka.read(scratch))
      recorder.note({
        kind: 'poll',
        process: reader,
        records: [{ partition, offset: record.offset, value: nameOf(record) }],
      })
    recorder.note({ kind: 'end', process: reader, partition, logStart: 0, highWatermark: -1 })
    if (random.chance(0.7)) await topics.delete(scratch)
  }
}
