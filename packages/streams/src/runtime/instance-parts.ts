/** What an instance is made of, put together from its options and taken apart again. Nothing is decided here. */
import { type ConsumerEngine, createConsumerEngine, type Kafka, type TopicPartition } from '@odradek/client'
import { errorPolicy } from '../handlers/handlers.ts'
import type { InstanceMetrics } from '../metrics/instance-metrics.ts'
import { changelogOf } from '../state/state-store.ts'
import { topicName } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'
import { ActiveTasks } from './active-tasks.ts'
import { type ApplicationTopics, mustNotHaveGrown, prepareTopics } from './application-topics.ts'
import { ProducerCollector } from './producer-collector.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { Restorer } from './restorer.ts'
import { StreamThread } from './stream-thread.ts'
import type { KafkaStreamsOptions } from './streams-options.ts'
import { type TaskInput, taskAssignor } from './task-assignor.ts'
import { tasksOf } from './task-inputs.ts'

export interface InstanceParts {
  readonly engine: ConsumerEngine
  readonly restorer: Restorer
  readonly collector: ProducerCollector
  readonly tasks: ActiveTasks
  readonly thread: StreamThread
  readonly purge: RepartitionPurge
}

export interface PartsOptions {
  readonly topology: Topology
  readonly options: KafkaStreamsOptions
  readonly kafka: Kafka
  readonly abandoned: AbortSignal
  readonly onSettled: (isSettled: boolean) => void
  readonly metrics: InstanceMetrics
}

/** Makes the application's topics where they are missing, and the parts. The engine has asked for its share when this resolves. */
export async function makeParts({
  topology,
  options,
  kafka,
  abandoned,
  onSettled,
  metrics,
}: PartsOptions): Promise<InstanceParts> {
  const {
    applicationId,
    commitIntervalMs = 30_000,
    bufferedRecordsPerPartition = 1_000,
    taskTimeoutMs = 300_000,
  } = options
  const { cluster } = kafka
  const { clock } = cluster
  const admin = kafka.admin()
  const subtopologies = topology.subtopologies()
  const { engine, topics } = await joinable({ topology, options, kafka, hooks: () => thread })
  const restorer = new Restorer(createConsumerEngine(cluster, { from: 'earliest', autoCreateTopics: false }))
  const errors = errorPolicy(options)
  const collector = new ProducerCollector(kafka.producer(options.producer), {
    errors,
    writersOf: writersOf(topology, applicationId),
    partitionsOf: topic => topics.widths.get(topic) ?? 0,
  })
  const tasksAmong = tasksAmongOf(topology, applicationId, engine)
  const tasks = new ActiveTasks({
    applicationId,
    subtopologies,
    engine,
    restorer,
    collector,
    errors,
    tasksAmong,
    now: () => clock.now(),
  })
  const purge = new RepartitionPurge({ clock, admin, isRepartition: topic => topics.repartitions.has(topic) })
  const thread: StreamThread = new StreamThread({
    clock,
    engine,
    restorer,
    collector,
    tasks,
    commitIntervalMs,
    bufferedRecordsPerPartition,
    taskTimeoutMs,
    metrics,
    abandoned,
    onSettled,
    onCommitted: offsets => purge.committed(offsets),
  })
  engine.subscribe(sourceTopics(topology, applicationId))
  return { engine, restorer, collector, tasks, thread, purge }
}

/** Commits, unless the thread has failed, and leaves the group; then everything else. Throws when the commit failed. */
export async function releaseParts(parts: InstanceParts, leaveGroup: boolean): Promise<void> {
  try {
    await parts.engine.close({ leaveGroup })
  } finally {
    await parts.restorer.close()
    await parts.collector.close()
    await parts.purge.close()
  }
}

/** The engine, which knows of topics, and what it has found. */
async function joinable(given: {
  topology: Topology
  options: KafkaStreamsOptions
  kafka: Kafka
  hooks: () => StreamThread
}): Promise<{ engine: ConsumerEngine; topics: ApplicationTopics }> {
  const { topology, options, kafka, hooks } = given
  const { applicationId, consumer, replicationFactor = -1 } = options
  const subtopologies = topology.subtopologies()
  let topics: ApplicationTopics | undefined
  const assignor = taskAssignor(partitionsOf => {
    mustNotHaveGrown(topics!, partitionsOf)
    return tasksOf(subtopologies, applicationId, partitionsOf)
  })
  const engine = createConsumerEngine(kafka.cluster, {
    from: 'earliest',
    ...consumer,
    group: applicationId,
    assignors: [assignor],
    autoCreateTopics: false,
    hooks: {
      onAssigned: partitions => hooks().assigned(partitions),
      onRevoked: partitions => hooks().revoked(partitions),
      onLost: partitions => hooks().lost(partitions),
    },
  })
  try {
    const partitionsOf = (topic: string) => engine.partitionsOf(topic)
    topics = await prepareTopics({ topology, applicationId, admin: kafka.admin(), replicationFactor, partitionsOf })
    return { engine, topics }
  } catch (error) {
    await engine.close()
    throw error
  }
}

function tasksAmongOf(
  topology: Topology,
  applicationId: string,
  engine: ConsumerEngine,
): (partitions: readonly TopicPartition[]) => Promise<TaskInput[]> {
  const topics = sourceTopics(topology, applicationId)
  return async partitions => {
    const widths = new Map<string, number>()
    for (const topic of topics) widths.set(topic, await engine.partitionsOf(topic))
    const isGiven = (at: TopicPartition) => partitions.some(p => p.topic === at.topic && p.partition === at.partition)
    const all = tasksOf(topology.subtopologies(), applicationId, topic => widths.get(topic)!)
    return all.filter(({ inputs }) => inputs.some(isGiven))
  }
}

function sourceTopics(topology: Topology, applicationId: string): string[] {
  const topics = topology.subtopologies().flatMap(subtopology => subtopology.sourceTopics)
  return topics.map(topic => topicName(topic, applicationId))
}

/** For messages: the sinks and stores that write a topic. */
function writersOf(topology: Topology, applicationId: string): (topic: string) => string {
  const writers = topology
    .subtopologies()
    .flatMap(({ nodes, stores }) => [
      ...nodes.flatMap(node =>
        node.kind === 'sink' && typeof node.topic !== 'function'
          ? [{ topic: topicName(node.topic, applicationId), name: `node ${node.name}` }]
          : [],
      ),
      ...stores.map(store => ({ topic: `${applicationId}-${changelogOf(store)}`, name: `store ${store.name}` })),
    ])
  return topic =>
    writers
      .filter(writer => writer.topic === topic)
      .map(({ name }) => name)
      .join(', ') || 'this application'
}
