/**
 * Members of a share group: they acknowledge, release and reject what they are given, forget some of it, fall silent, leave and crash. In
 * the end they do nothing but acknowledge, and one who comes when all others are gone must be given nothing that was done before.
 */
import type { Queue, QueueRecord } from '@odradek/client'
import { sleep } from '@odradek/world'
import { nameIn } from './producing.ts'
import { deliveryLimit, lockMs } from './queue-settings.ts'
import type { Client, Scene } from './scene.ts'

const group = 'queue'
/** Longer than locks, sessions and requests together. */
const calmMs = 20_000

export class Queueing {
  readonly #scene: Scene
  #isCalm = false
  #isOver = false
  #close: () => Promise<void> = async () => {}

  constructor(scene: Scene) {
    this.#scene = scene
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const crashed = Promise.withResolvers<void>()
      const client = this.#scene.clients.start('worker', crashed.resolve)
      await Promise.race([this.#life(client), crashed.promise])
    }
  }

  /** From now on it acknowledges everything. */
  calm(): void {
    this.#isCalm = true
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#close()
  }

  async #life(client: Client): Promise<void> {
    const { clients, recorder } = this.#scene
    const queue = startQueue(this.#scene, client)
    const closed = Promise.withResolvers<void>()
    this.#close = async () => {
      await queue.close()
      await closed.promise
    }
    try {
      for await (const record of queue) {
        if (client.isDead) return
        await this.#work(client, record)
        if (this.#isOver || (!this.#isCalm && client.random.chance(0.01))) break
      }
    } catch (error) {
      if (!client.isDead) recorder.remark(`${client.name} ended: ${(error as Error).message}`)
    }
    await clients.close(client)
    closed.resolve()
  }

  async #work(client: Client, record: QueueRecord): Promise<void> {
    const { world } = this.#scene
    const { random } = client
    const value = noteDelivery(this.#scene, client, record)
    if (this.#isCalm) return settle(this.#scene, client, record, value, 'ack')
    if (random.chance(0.2)) await sleep(world.clock, random.int(30))
    if (client.isDead || random.chance(0.05)) return
    const settling = settle(this.#scene, client, record, value, wayOf(random.next()))
    if (random.chance(0.5)) await settling
  }
}

const wayOf = (chance: number) => (chance < 0.8 ? 'ack' : chance < 0.9 ? 'release' : 'reject')

function startQueue({ plan, recorder }: Scene, { kafka, name: process, random }: Client): Queue<string> {
  recorder.note({ kind: 'queue-join', process })
  const topics = plan.topics.map(({ name }) => name)
  return kafka.queue({ group, topics, from: 'earliest', maxInFlight: 1 + random.int(30), metadataMaxAgeMs: 3_000 })
}

function noteDelivery({ recorder }: Scene, { name: process }: Client, record: QueueRecord): string {
  const value = nameIn(record.valueBytes)
  recorder.note({ kind: 'delivery', process, value, count: record.deliveryCount })
  return value
}

async function settle(
  { recorder }: Scene,
  client: Client,
  record: QueueRecord,
  value: string,
  as: 'ack' | 'release' | 'reject',
): Promise<void> {
  const { name: process } = client
  recorder.note({ kind: 'settle', process, value, as })
  try {
    await record[as]()
    if (!client.isDead) recorder.note({ kind: 'settled', process, value, as })
  } catch (error) {
    if (!client.isDead) recorder.remark(`${process} could not ${as} ${value}: ${(error as Error).message}`)
  }
}

/** Gives everyone time to be served. */
export async function serveAll({ world, recorder }: Scene, workers: readonly Queueing[]): Promise<void> {
  for (const worker of workers) worker.calm()
  await sleep(world.clock, calmMs)
  recorder.note({ kind: 'queue-served', mayGiveUpAfter: deliveryLimit / 2 })
}

/** One who comes when all others have left, and after the last failure of power. */
export async function takeRest(scene: Scene): Promise<void> {
  const client = scene.clients.start('last-worker')
  const queue = startQueue(scene, client)
  const taking = (async () => {
    for await (const record of queue) {
      const value = noteDelivery(scene, client, record)
      await settle(scene, client, record, value, 'ack')
    }
  })()
  await sleep(scene.world.clock, 3 * lockMs)
  await queue.close()
  await taking
  await scene.clients.close(client)
}
