/**
 * An application on a real cluster, the one of ODRADEK_TEST_BROKER or a broker of our own: topics, group and state folder that are its
 * alone, what goes in, and what comes out.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '@odradek/broker'
import { Kafka, type Serde, serde, topic } from '@odradek/client'
import { realWorld } from '@odradek/world'
import { KafkaStreams, type KafkaStreamsOptions, type Topology } from '../index.ts'

/** Key, value, and milliseconds after `begin`. */
export type Input = readonly [key: string | null, value: string | null, at?: number]
export type Output<V> = readonly [key: string, value: V | null, at: number]

/** A round time not long ago: brokers delete what is old, and refuse what is to come. */
export const begin = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000

/** Asks until the answer is yes. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 25_000): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    if (await isSo()) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  assert.fail(`it did not come to pass that ${what}`)
}

export interface Cluster extends AsyncDisposable {
  readonly bootstrap: string
}

export async function openCluster(): Promise<Cluster> {
  const foreign = process.env.ODRADEK_TEST_BROKER
  if (foreign) return { bootstrap: foreign, async [Symbol.asyncDispose]() {} }
  const broker = await Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { memory: true },
    config: { 'group.initial.rebalance.delay.ms': '0' },
  })
  return { bootstrap: broker.bootstrap, [Symbol.asyncDispose]: () => broker.close({ drain: false }) }
}

export class ApplicationScene implements AsyncDisposable {
  readonly id: string
  readonly kafka: Kafka
  readonly bootstrap: string
  readonly folder = mkdtempSync(join(tmpdir(), 'odradek-suite-'))
  readonly #instances: KafkaStreams[] = []

  constructor({ bootstrap }: Cluster, name: string) {
    this.id = `${name}-${randomBytes(4).toString('hex')}`
    this.bootstrap = bootstrap
    this.kafka = new Kafka({ brokers: bootstrap })
  }

  /** What a topic is called in full. */
  topic = (short: string): string => `${this.id}-${short}`

  async topics(partitions: Readonly<Record<string, number>>): Promise<void> {
    const all = Object.entries(partitions).map(([name, count]) => ({ name: this.topic(name), partitions: count }))
    await this.kafka.admin().topics.create(all)
  }

  async write(short: string, inputs: readonly Input[]): Promise<void> {
    const contract = topic(this.topic(short), { key: serde.string, value: serde.string })
    const producer = this.kafka.producer()
    await producer.sendAll(
      contract,
      inputs.map(([key, value, at = 0]) => ({ key, value, timestamp: begin + at })),
    )
    await producer.close()
  }

  /** All that is in a topic. */
  async read<V>(short: string, value: Serde<V>, isolation: 'read_committed' | 'read_uncommitted' = 'read_committed') {
    const contract = topic(this.topic(short), { key: serde.string, value })
    const all = await Array.fromAsync(this.kafka.read(contract, { isolation }))
    return all.map((record): Output<V> => [record.key!, record.value, record.timestamp - begin])
  }

  /** What is in a topic once there are as many records. */
  async results<V>(short: string, value: Serde<V>, count: number): Promise<Output<V>[]> {
    let all: Output<V>[] = []
    await until(`${count} records are in ${short}, of which there were ${all.length}`, async () => {
      all = await this.read(short, value)
      return all.length >= count
    })
    return all
  }

  /** The last value of each key, once that is as expected. */
  async comesTo<V>(short: string, value: Serde<V>, expected: Readonly<Record<string, V | null>>): Promise<void> {
    let last: Record<string, V | null> = {}
    try {
      await until('the last values are as expected', async () => {
        last = Object.fromEntries((await this.read(short, value)).map(([key, is]) => [key, is]))
        return Object.entries(expected).every(([key, is]) => last[key] === is)
      })
    } finally {
      assert.deepEqual(last, expected)
    }
  }

  instance(topology: Topology, options: Partial<KafkaStreamsOptions> = {}): KafkaStreams {
    const common = { applicationId: this.id, brokers: this.bootstrap, cacheMaxBytes: 0, commitIntervalMs: 100 }
    const app = new KafkaStreams(topology, {
      ...{ ...common, stateFolder: join(this.folder, 'one'), logger: { warn() {}, error() {} } },
      ...options,
    })
    this.#instances.push(app)
    return app
  }

  async running(topology: Topology, options: Partial<KafkaStreamsOptions> = {}): Promise<KafkaStreams> {
    const app = this.instance(topology, options)
    await app.start()
    await app.running()
    return app
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#instances.map(app => app.close()))
    await this.kafka.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
