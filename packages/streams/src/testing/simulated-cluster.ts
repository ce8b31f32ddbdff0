import { Broker } from '@odradek/broker'
import { Kafka, serde, topic } from '@odradek/client'
import { type SimulatedWorld, simulatedWorld, type Weather } from '@odradek/world'
import { KafkaStreams, type KafkaStreamsOptions, StreamsBuilder, type Topology } from '../index.ts'

export const linesTopic = topic('lines', { key: serde.string, value: serde.string })
export const countsTopic = topic('counts', { key: serde.string, value: serde.int64 })

/** Counts words of `lines` into `counts`, or of what those are called here; the store is called `words`. */
export function wordCount(topicOf = (name: string) => name): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(topicOf('lines'), { key: serde.string, value: serde.string })
    .flatMapValues(line => line.split(' '))
    .groupBy(word => word, { key: serde.string, value: serde.string })
    .count({ store: 'words' })
    .toStream()
    .to(topicOf('counts'), { key: serde.string, value: serde.int64 })
  return builder.build()
}

interface ClusterShape {
  weather?: Weather
  nodes?: number
  /** Of the brokers, in Kafka's names. */
  config?: Readonly<Record<string, string>>
}

/**
 * A broker, a client and instances of an application, each on a machine of its own, in simulated time: seconds of sessions and
 * timeouts pass in no time, a machine can crash, and a seed plays the same history again.
 */
export class SimulatedCluster {
  readonly world: SimulatedWorld
  readonly kafka: Kafka
  readonly #broker: Broker

  private constructor(world: SimulatedWorld, broker: Broker) {
    this.world = world
    this.#broker = broker
    this.kafka = new Kafka({ brokers: broker.bootstrap, world: world.machine('client').boot() })
  }

  static async start(
    seed: number,
    { weather = {}, nodes = 1, config = {} }: ClusterShape = {},
  ): Promise<SimulatedCluster> {
    const world = simulatedWorld({ seed, weather })
    const options = {
      world: world.machine('broker').boot(),
      listen: { host: 'broker', port: 9092 },
      data: { memory: true } as const,
      nodes,
      config: { 'odradek.insecure.network': 'true', 'group.initial.rebalance.delay.ms': '0', ...config },
    }
    return new SimulatedCluster(world, await world.clock.finish(Broker.start(options)))
  }

  /** Lets time pass until the promise has settled. */
  finish<T>(promise: Promise<T>): Promise<T> {
    return this.world.clock.finish(promise)
  }

  until(isTrue: () => boolean, withinMs = 600_000): Promise<void> {
    return this.world.clock.runUntil(isTrue, { withinMs })
  }

  async makeTopics(partitions: number): Promise<void> {
    const topics = [linesTopic, countsTopic].map(({ name }) => ({ name, partitions }))
    await this.finish(this.kafka.admin().topics.create(topics))
  }

  async publish(lines: readonly string[]): Promise<void> {
    const producer = this.kafka.producer()
    await this.finish(
      producer.sendAll(
        linesTopic,
        lines.map((value, i) => ({ key: String(i), value })),
      ),
    )
    await this.finish(producer.close())
  }

  /** An instance on a machine of its own; the group forgets it after ten seconds of silence. */
  instance(
    machine: string,
    options: Partial<KafkaStreamsOptions> = {},
    topology: Topology = wordCount(),
  ): KafkaStreams {
    const world = this.world.machine(machine).boot()
    const consumer = { sessionTimeoutMs: 10_000 }
    const kept = { defaultStore: 'memory', cacheMaxBytes: 0 } as const
    const given = { applicationId: 'app', brokers: this.#broker.bootstrap, world, consumer, ...kept, ...options }
    return new KafkaStreams(topology, given)
  }

  /** The last count of every word, and how many counts there were. */
  async counts(): Promise<{ last: Record<string, number>; updates: number }> {
    const last: Record<string, number> = {}
    let updates = 0
    const read = async () => {
      for await (const { key, value } of this.kafka.read(countsTopic, { isolation: 'read_committed' })) {
        last[key!] = value!
        updates++
      }
    }
    await this.finish(read())
    return { last, updates }
  }

  /** Instances go first, so that nothing is left that waits. */
  async close(...instances: readonly KafkaStreams[]): Promise<void> {
    const signal = AbortSignal.abort()
    for (const instance of instances) await this.finish(instance.close({ signal }))
    await this.finish(this.kafka.close())
    await this.finish(this.#broker.close({ drain: false }))
  }
}
