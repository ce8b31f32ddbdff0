import {
  CreateTopics,
  encodeBatch,
  type Fetch,
  Produce,
  type RecordInput,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import { memoryDisk, memoryWire, realClock, realRandom, type World } from '@odradek/world'
import { Broker, type BrokerOptions } from '../broker.ts'
import type { Logger } from '../logger.ts'
import { RawClient } from './raw-client.ts'

/** A broker in memory, its log lines, and raw clients of it; everything ends with `await using`. */
export class TestBroker implements AsyncDisposable {
  readonly broker: Broker
  readonly world: World
  /** 'warn closing a connection: …' */
  readonly lines: string[]
  readonly #clients: RawClient[] = []

  static async start(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
    const world = options.world ?? { clock: realClock, random: realRandom, disk: memoryDisk(), wire: memoryWire() }
    const lines: string[] = []
    const listen = { host: '127.0.0.1', port: 0 }
    const broker = await Broker.start({ listen, data: { memory: true }, logger: collecting(lines), ...options, world })
    return new TestBroker(broker, world, lines)
  }

  private constructor(broker: Broker, world: World, lines: string[]) {
    this.broker = broker
    this.world = world
    this.lines = lines
  }

  /** A connection to one of the nodes. */
  async client(node = 0): Promise<RawClient> {
    const [host, port] = this.broker.bootstrap.split(',')[node]!.split(':')
    const client = await RawClient.connect(this.world.wire, { host: host!, port: Number(port) })
    this.#clients.push(client)
    return client
  }

  async topic(name: string, partitions = 1, configs: Record<string, string> = {}): Promise<void> {
    const client = await this.client()
    const rows = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs: rows }
    const { topics } = await client.call(CreateTopics, 7, { topics: [topic] })
    if (topics[0]!.errorCode !== 0) throw new Error(topics[0]!.errorMessage ?? String(topics[0]!.errorCode))
    client.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.broker.close()
  }
}

export function produceRequest(
  topic: string,
  records: Uint8Array | null,
  more: { partition?: number; acks?: number } = {},
): RequestInput<typeof Produce> {
  const { partition: index = 0, acks = -1 } = more
  return { acks, timeoutMs: 5000, topicData: [{ name: topic, partitionData: [{ index, records }] }] }
}

export type ProducedPartition = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

/** Appends to partition 0, and returns the partition's part of the answer. */
export async function produceTo(
  client: RawClient,
  topic: string,
  records: Uint8Array | null | readonly RecordInput[],
  version = 9,
): Promise<ProducedPartition> {
  const bytes = Array.isArray(records) ? encodeBatch(records) : (records as Uint8Array | null)
  const response: Response<typeof Produce> = await client.call(Produce, version, produceRequest(topic, bytes))
  return response.responses[0]!.partitionResponses[0]!
}

export function fetchRequest(
  topic: string,
  fetchOffset: number,
  more: Partial<RequestInput<typeof Fetch>> & { partition?: number; partitionMaxBytes?: number } = {},
): RequestInput<typeof Fetch> {
  const { partition = 0, partitionMaxBytes = 1024 * 1024, ...rest } = more
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }],
    ...rest,
  }
}

function collecting(lines: string[]): Logger {
  const line = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`)
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
