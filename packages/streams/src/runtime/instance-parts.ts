/** What an instance is made of, put together from its options and taken apart again. Nothing is decided here. */
import { type ConsumerEngine, createConsumerEngine, type Kafka, type MetadataOptions } from '@odradek/client'
import { noId } from '@odradek/protocol'
import { type ErrorPolicy, errorPolicy } from '../handlers/handlers.ts'
import { DropLog } from '../metrics/drop-log.ts'
import type { InstanceMetrics } from '../metrics/instance-metrics.ts'
import { StateFolder } from '../state/state-folder.ts'
import { cacheBudget, changelogOf, type StoreSpec } from '../state/state-store.ts'
import type { StreamTaskOptions } from '../task/stream-task.ts'
import { type SinkSpec, topicName } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'
import { ActiveTasks } from './active-tasks.ts'
import { type ApplicationTopics, matchesMustFit, mustStillFit, prepareTopics } from './application-topics.ts'
import { GlobalDeadLetters } from './global-dead-letters.ts'
import { GlobalStores } from './global-stores.ts'
import { GroupPlace, topologyKey } from './group-place.ts'
import { mustRunTheSame } from './group-topology.ts'
import { MissingOutputs } from './missing-outputs.ts'
import { ProducerCollector } from './producer-collector.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { Restorer } from './restorer.ts'
import { StandbyTasks } from './standby-tasks.ts'
import { StateCleanup } from './state-cleanup.ts'
import { StreamThread } from './stream-thread.ts'
import { type KafkaStreamsOptions, type StreamsSettings, settingsOf, stateFolderOf } from './streams-options.ts'
import { type TaskInput, taskAssignor } from './task-assignor.ts'
import { subscriptionOf, tasksOf } from './task-inputs.ts'
import { TaskState } from './task-state.ts'
import { TransactionalOutlet } from './transactional-outlet.ts'

export interface InstanceParts {
  readonly engine: ConsumerEngine
  readonly restorer: Restorer
  readonly collector: ProducerCollector
  readonly tasks: ActiveTasks
  readonly standbys: StandbyTasks
  readonly globals: GlobalStores
  readonly thread: StreamThread
  readonly purge: RepartitionPurge
  readonly place: GroupPlace
  readonly folder: StateFolder | null
  readonly cleanup: StateCleanup | null
  /** Asks where changelogs begin and end. */
  readonly lookup: ConsumerEngine
}

export interface PartsOptions {
  readonly topology: Topology
  readonly options: KafkaStreamsOptions
  readonly kafka: Kafka
  /** Of this instance, for as long as it lives. */
  readonly processId: string
  readonly stopping: AbortSignal
  readonly abandoned: AbortSignal
  readonly metrics: InstanceMetrics
  /** The instance has failed before, and joins only to end all others: why. */
  readonly shutdown?: string | undefined
  readonly onSettled: (isSettled: boolean) => void
}

interface Given extends PartsOptions {
  readonly settings: StreamsSettings
  readonly errors: ErrorPolicy
}

/** Makes the application's topics where they are missing, and the parts. The engine has asked for its share when this resolves. */
export async function makeParts(options: PartsOptions): Promise<InstanceParts> {
  const settings = settingsOf(options.options)
  const given: Given = { ...options, settings, errors: errorPolicy(options.options) }
  const folder = openFolder(given)
  try {
    return await assembled(given, folder)
  } catch (error) {
    await folder?.close()
    throw error
  }
}

async function assembled(given: Given, folder: StateFolder | null): Promise<InstanceParts> {
  const { topology, options, kafka, settings, errors, abandoned, metrics, onSettled } = given
  const { applicationId } = options
  const { clock } = kafka.cluster
  const subtopologies = topology.subtopologies()
  const { engine, topics, place } = await joinable({ ...given, parts: () => parts })
  const { lookup, restorer, follower } = restorersOf(given)
  const missing = missingOutputs(given)
  const transactions = settings.isExactlyOnce ? transactionsOf(given, engine, missing.signal) : null
  const onDropped = droppedTo(given)
  const collector = new ProducerCollector(transactions ?? kafka.producer(producerOptions(options)), {
    errors,
    missing,
    patience: { clock, timeoutMs: settings.taskTimeoutMs },
    onDropped,
    writersOf: writersOf(topology, options),
    partitionsOf: topic => topics.widths.get(topic) ?? kafka.cluster.topic(topic)?.partitions.length ?? 0,
    lookUp: (topic, signal) => lookUpOutput(given, topic, { signal }),
  })
  const globals = globalsOf(given, onDropped)
  const makeState = stateMaker(given, folder, collector)
  const inputOf = (taskId: string) => place.inputOf(taskId)
  const { commitIntervalMs, repartitionPurgeIntervalMs: everyMs } = settings
  const onGivenUp = (error: Error) => errors.logger.warn({ error }, 'A standby was given up until the next rebalance.')
  const standbys = new StandbyTasks({ clock, restorer: follower, commitIntervalMs, inputOf, makeState, onGivenUp })
  const tasks = new ActiveTasks({
    ...{ applicationId, subtopologies, engine, restorer, standbys, collector, errors, makeState },
    globals: globals.stores,
    timestampOf: options.defaultTimestampExtractor,
    from: options.consumer?.from,
    onDropped,
    ...(options.metricsLevel === 'debug' && { watch: timed(metrics) }),
    now: () => clock.now(),
  })
  const isRepartition = (topic: string) => topics.repartitions.has(topic)
  const purge = new RepartitionPurge({ clock, admin: kafka.admin(), everyMs, isRepartition })
  const shared = { engine, restorer, collector, tasks, standbys, globals }
  const thread: StreamThread = new StreamThread({
    ...{ ...shared, clock, transactions, settings, metrics, abandoned, onSettled },
    logger: errors.logger,
    onCommitted: offsets => purge.committed(offsets),
  })
  const { logger } = errors
  const cleanup = folder && new StateCleanup({ clock, folder, delayMs: settings.stateCleanupDelayMs, logger })
  const parts: InstanceParts = { ...shared, thread, purge, place, folder, cleanup, lookup }
  await begun(parts, given)
  return parts
}

/** Global stores are there before anything is asked of the group. */
async function begun(parts: InstanceParts, { topology, options, abandoned }: Given): Promise<void> {
  try {
    await parts.globals.load(abandoned)
  } catch (error) {
    await releaseParts({ ...parts, folder: null }, true).catch(() => {}) // why it could not begin is what counts
    throw error
  }
  const subtopologies = topology.subtopologies()
  if (subtopologies.length > 0) parts.engine.subscribe(subscriptionOf(subtopologies, options.applicationId))
}

/** Commits, unless the thread has failed, and leaves the group; then everything else. Throws when something could not be written. */
export async function releaseParts(parts: InstanceParts, leaveGroup: boolean): Promise<void> {
  const { engine, tasks, standbys, globals, restorer, lookup, collector, purge, folder } = parts
  try {
    await engine.close({ leaveGroup })
    await globals.settle()
  } finally {
    await tasks.drop([...tasks])
    await standbys.close()
    await globals.close()
    await restorer.close()
    await lookup.close()
    await collector.close()
    await purge.close()
    parts.cleanup?.close()
    await folder?.close()
  }
}

type OnDropped = NonNullable<StreamTaskOptions['onDropped']>

/** Counted, told to whoever listens, and logged now and then. */
function droppedTo({ metrics, errors, kafka }: Given): OnDropped {
  const log = new DropLog(errors.logger, () => kafka.cluster.clock.monotonic())
  return (...dropped) => {
    metrics.dropped(...dropped)
    log.dropped(...dropped)
  }
}

const timed =
  (metrics: InstanceMetrics): NonNullable<StreamTaskOptions['watch']> =>
  (taskId, node, step) =>
    metrics.timed(taskId, node, step)

function openFolder({ settings, options, errors, topology }: Given): StateFolder | null {
  const stateFolder = stateFolderOf(settings, topology)
  const { applicationId } = options
  if (stateFolder === null || topology.subtopologies().every(({ stores }) => stores.length === 0)) return null
  return StateFolder.open({
    folder: stateFolder,
    applicationId,
    onWiped: (taskId, reason) =>
      errors.logger.warn(
        { taskId, reason },
        'The state of a task on disk is of no use; it is restored from its changelogs.',
      ),
  })
}

/** Of changelogs. More restores no faster, and is memory that stays with the process. */
const fetchedAhead = { bufferBytes: 8 * 2 ** 20, partitionMaxBytes: 512 * 1024 }

function restorersOf({ kafka, options, settings, errors }: Given) {
  const isolation = settings.isExactlyOnce ? 'read_committed' : 'read_uncommitted'
  const lookup = createConsumerEngine(kafka.cluster, { from: 'earliest', autoCreateTopics: false })
  const restorer = () =>
    new Restorer({
      engine: hooks =>
        createConsumerEngine(kafka.cluster, {
          ...{ from: 'earliest', autoCreateTopics: false, isolation, hooks },
          ...fetchedAhead,
        }),
      offsetsFor: (...asked) => lookup.offsetsFor(...asked),
      topicIdOf: async topic => {
        await kafka.cluster.metadata([topic], { fresh: true })
        return topicIdOf(kafka, topic)
      },
      knownIdOf: topic => topicIdOf(kafka, topic),
      onProgress: options.onRestore && (progress => options.onRestore?.(progress)),
      onWiped: ({ store, changelog }, taskId, reason) =>
        errors.logger.warn(
          { taskId, store: store.name, ...changelog, reason },
          'The changelog does not go back to where the store was left, or is another topic now; the store is restored from the beginning.',
        ),
    })
  return { lookup, restorer: restorer(), follower: restorer() }
}

function globalsOf(given: Given, onDropped: OnDropped): GlobalStores {
  const { topology, options, kafka, settings, errors, abandoned } = given
  const { clock } = kafka.cluster
  const isolation = settings.isExactlyOnce ? 'read_committed' : 'read_uncommitted'
  return new GlobalStores({
    subtopologies: topology.globals(),
    applicationId: options.applicationId,
    engine: hooks =>
      createConsumerEngine(kafka.cluster, { from: 'earliest', autoCreateTopics: false, isolation, hooks }),
    knownIdOf: topic => topicIdOf(kafka, topic),
    errors,
    deadLetters: new GlobalDeadLetters({
      makeProducer: () => kafka.producer(producerOptions(options)),
      clock,
      abandoned,
    }),
    patience: { clock, timeoutMs: settings.taskTimeoutMs },
    onDropped,
    now: () => clock.now(),
  })
}

/** Kafka Streams' own: named after application, process and thread. */
function transactionsOf(
  { kafka, options, processId }: Given,
  engine: ConsumerEngine,
  inVain: AbortSignal,
): TransactionalOutlet {
  const { acks: _, idempotent: __, ...producer } = producerOptions(options)
  const transactionalId = `${options.applicationId}-${processId}-1`
  const { transactionTimeoutMs = 10_000 } = options.producer ?? {}
  const make = () => kafka.producer({ ...producer, transactionTimeoutMs, transactionalId })
  return new TransactionalOutlet(make, engine, inVain)
}

function missingOutputs(given: Given): MissingOutputs {
  const { topology, options, kafka, errors, stopping } = given
  const { cluster } = kafka
  const { metadataTimeoutMs = cluster.retryTimeoutMs } = producerOptions(options)
  return new MissingOutputs({
    clock: cluster.clock,
    logger: errors.logger,
    lookUp: (topic, timeoutMs, signal) => lookUpOutput(given, topic, { timeoutMs, signal }),
    isThere: topic => cluster.topic(topic) !== undefined,
    writersOf: writersOf(topology, options),
    patienceMs: errors.handlers.production ? null : metadataTimeoutMs,
    stopping,
  })
}

function producerOptions({ producer = {} }: KafkaStreamsOptions) {
  const { transactionTimeoutMs: _, ...others } = producer
  return others
}

function stateMaker(
  { topology, options, settings, metrics }: Given,
  folder: StateFolder | null,
  collector: ProducerCollector,
) {
  const subtopologies = topology.subtopologies()
  const cache = cacheBudget(settings.cacheMaxBytes)
  return ({ taskId, subtopology, partition }: TaskInput) => {
    const parts = subtopologies.find(({ id }) => id === subtopology)!
    const state = new TaskState({
      ...{ taskId, partition, cache },
      applicationId: options.applicationId,
      specs: parts.stores,
      inputOf: store => parts.inputOf(store),
      defaultKind: settings.defaultStore,
      openDisk: id => folder?.openTask(id) ?? null,
      changelog: at => collector.changelog(at),
    })
    if (options.metricsLevel === 'debug') for (const store of state.stores.values()) metrics.measure(taskId, store)
    return state
  }
}

/** The engine, which knows of topics, and what it has found. */
async function joinable(given: Given & { parts: () => InstanceParts }) {
  const { topology, options, kafka, settings, processId, shutdown, parts } = given
  const { applicationId, consumer } = options
  const { numStandbyReplicas, replicationFactor, topicConfig, applicationServer: server } = settings
  const subtopologies = topology.subtopologies()
  let topics: ApplicationTopics | undefined
  const place = new GroupPlace({ subtopologies, applicationId, processId, server, shutdown, parts })
  const assignor = taskAssignor(
    (partitionsOf, names) => {
      mustStillFit(topics!, partitionsOf)
      matchesMustFit(topology, applicationId, topics!, { present: names, widths: partitionsOf })
      return tasksOf(subtopologies, applicationId, partitionsOf, names)
    },
    { numStandbyReplicas, own: () => place.own(), onTold: data => place.told(data) },
  )
  const engine = createConsumerEngine(kafka.cluster, {
    from: 'earliest',
    ...consumer,
    ...(settings.isExactlyOnce && { isolation: 'read_committed' }),
    group: applicationId,
    assignors: [assignor],
    autoCreateTopics: false,
    hooks: {
      onAssigned: partitions => parts().thread.assigned(partitions),
      onRevoked: partitions => parts().thread.revoked(partitions),
      onLost: partitions => parts().thread.lost(partitions),
      onPositionLost: lost => parts().tasks.startAfter(lost),
    },
  })
  try {
    await mustFitGroup(given)
    const partitionsOf = (topic: string) => engine.partitionsOf(topic)
    const admin = kafka.admin()
    topics = await prepareTopics({ topology, applicationId, admin, replicationFactor, topicConfig, partitionsOf })
    return { engine, topics, place }
  } catch (error) {
    await engine.close()
    throw error
  }
}

async function mustFitGroup({ topology, options, kafka, errors, stopping }: Given): Promise<void> {
  const subtopologies = topology.subtopologies()
  if (subtopologies.length === 0) return
  const { applicationId, consumer: { sessionTimeoutMs = 45_000 } = {} } = options
  const own = topologyKey(subtopologies, applicationId)
  const { cluster } = kafka
  await mustRunTheSame({ cluster, applicationId, own, sessionTimeoutMs, logger: errors.logger, stopping })
}

/** As the producer does. */
function lookUpOutput({ kafka, options }: Given, topic: string, within: Pick<MetadataOptions, 'timeoutMs' | 'signal'>) {
  const { autoCreateTopics: autoCreate = true, metadataTimeoutMs: timeoutMs } = producerOptions(options)
  return kafka.cluster.metadata([topic], { autoCreate, timeoutMs, ...within })
}

/** For messages: the sinks and stores that write a topic; where none is known to, the sinks that choose theirs. */
function writersOf(topology: Topology, options: KafkaStreamsOptions): (topic: string) => string {
  const { applicationId, deadLetterTopic } = options
  const sinks = topology.subtopologies().flatMap(({ nodes }) => nodes.filter(node => node.kind === 'sink'))
  const stores = topology.subtopologies().flatMap(({ stores }) => stores)
  return topic => {
    const writes = ({ topic: to }: SinkSpec) => typeof to !== 'function' && topicName(to, applicationId) === topic
    const keeps = (store: StoreSpec) => `${applicationId}-${changelogOf(store)}` === topic
    const known = [
      ...sinks.filter(writes).map(({ name }) => `node ${name}`),
      ...stores.filter(keeps).map(({ name }) => `store ${name}`),
      ...(topic === deadLetterTopic ? ['a handler'] : []),
    ]
    const choosing = sinks.filter(sink => typeof sink.topic === 'function').map(({ name }) => `node ${name}`)
    return (known.length > 0 ? known : choosing).join(', ') || 'this application'
  }
}

/** As far as it is known. */
function topicIdOf(kafka: Kafka, topic: string): string | undefined {
  const found = kafka.cluster.topic(topic)
  return found === undefined || found.topicId === noId ? undefined : found.topicId
}
