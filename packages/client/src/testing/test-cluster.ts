/**
 * The cluster a suite runs against: the one named by ODRADEK_TEST_BROKER, else a broker of our own in this process. Names made by
 * `name` are fresh, so that a cluster that lives on is not disturbed by earlier runs.
 */
import { randomBytes } from 'node:crypto'
import { Broker } from '@odradek/broker'
import { realWorld } from '@odradek/world'
import { Kafka, type KafkaOptions } from '../kafka.ts'

export interface TestCluster extends AsyncDisposable {
  readonly bootstrap: string
  /** Not ours: it may be slow, have other defaults, and remembers. */
  readonly isForeign: boolean
  kafka(options?: Partial<KafkaOptions>): Kafka
  name(prefix: string): string
}

export async function testCluster(
  options: { nodes?: number; config?: Record<string, string> } = {},
): Promise<TestCluster> {
  const foreign = process.env.ODRADEK_TEST_BROKER
  const broker = foreign ? undefined : await startBroker(options.nodes ?? 1, options.config)
  const bootstrap = foreign ?? broker!.bootstrap
  const handles: Kafka[] = []
  return {
    bootstrap,
    isForeign: foreign !== undefined,
    kafka(more = {}) {
      const kafka = new Kafka({ brokers: bootstrap, ...more })
      handles.push(kafka)
      return kafka
    },
    name: prefix => `${prefix}-${randomBytes(4).toString('hex')}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(handles.map(kafka => kafka.close()))
      await broker?.close({ drain: false })
    },
  }
}

function startBroker(nodes: number, more: Record<string, string> = {}): Promise<Broker> {
  const config = { 'group.initial.rebalance.delay.ms': '0', ...more }
  return Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { memory: true },
    nodes,
    config,
  })
}
