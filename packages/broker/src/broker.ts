import { EmbeddedEngine, type LogEngine } from '@odradek/log'
import { UsageError } from '@odradek/protocol'
import { type Disk, memoryDisk, realWorld, type World } from '@odradek/world'
import type { ClusterStore } from './cluster-store/cluster-store.ts'
import { EmbeddedClusterStore } from './cluster-store/embedded-cluster-store.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { FetchSessions } from './fetch-sessions/fetch-sessions.ts'
import { embeddedConsumerGroups } from './groups/consumer/embedded-consumer-groups.ts'
import { embeddedGroups, offsetsTopicName } from './groups/index.ts'
import { embeddedStreamsGroups } from './groups/streams/embedded-streams-groups.ts'
import type { BrokerServices } from './handler.ts'
import { handlers } from './handlers/index.ts'
import { type BrokerHealth, brokerHealth, HealthWatch } from './health.ts'
import { type Address, advertisedAddress, checkListen, checkPorts, listenFailure } from './listen-address.ts'
import { type Logger, quiet } from './logger.ts'
import { ProducerIds } from './producer-ids.ts'
import { Server } from './server.ts'
import { embeddedShares } from './share-partitions/embedded-shares.ts'
import { spread } from './spread.ts'
import { Topics } from './topics.ts'
import { embeddedTransactions } from './transactions/index.ts'
import { Turns } from './turns.ts'

export interface BrokerOptions {
  /** The machine this process runs on, by default. */
  world?: World
  /** Port 0 picks a free one; 127.0.0.1:0 by default. Further nodes take the following ports. */
  listen?: Address
  /** What clients are told to dial; otherwise what advertised.listeners says, or the address each client dialled. */
  advertise?: Address
  /** A folder, made when missing, or memory (the default): then everything ends with the broker. */
  data?: { folder: string } | { memory: true }
  /** How many nodes this process presents, each with its own port and its share of the leaders. */
  nodes?: number
  /** Settings under Kafka's dotted names. */
  config?: Readonly<Record<string, string>>
  logger?: Logger
}

/** Options with their defaults filled in. */
type Given = BrokerOptions & Required<Pick<BrokerOptions, 'world' | 'listen' | 'data'>>

/** How long closing waits for requests under way to be answered. */
const closePatienceMs = 4000

/**
 * A broker in this process.
 *
 *     await using broker = await Broker.start()   // in memory, on a free port of 127.0.0.1
 *     const kafka = new Kafka({ brokers: broker.bootstrap })
 */
export class Broker {
  readonly #services: BrokerServices
  readonly #server: Server
  readonly #watch: HealthWatch
  #closing: Promise<void> | undefined

  private constructor(services: BrokerServices, server: Server, watch: HealthWatch) {
    this.#services = services
    this.#server = server
    this.#watch = watch
  }

  /** Resolves when clients can connect. Throws UsageError, in one sentence, for settings, folders and ports that cannot be used. */
  static async start(given: BrokerOptions = {}): Promise<Broker> {
    const options: Given = {
      world: realWorld(),
      listen: { host: '127.0.0.1', port: 0 },
      data: { memory: true },
      ...given,
    }
    const config = new BrokerConfig(options.config)
    checkListen(options.listen, config)
    checkPorts(options.listen, options.nodes ?? 1)
    const advertise = options.advertise ?? advertisedAddress(config)
    if (advertise) checkPorts(advertise, options.nodes ?? 1)
    const cluster = await openCluster(options)
    let engine: EmbeddedEngine | undefined
    try {
      const log = await startEngine(options, cluster, config)
      engine = log
      const services = await startServices(options, { config, cluster, engine: log })
      const { wire, clock } = options.world
      const server = new Server({ wire, clock, listen: options.listen, advertise, handlers, broker: services })
      await listenOrExplain(server, options.listen)
      return new Broker(services, server, new HealthWatch(services, () => brokerHealth(log.health())))
    } catch (error) {
      await engine?.close({ drain: false }).catch(() => undefined)
      await cluster.close()
      throw error
    }
  }

  /** 'host:port,…', one for each node: what clients call bootstrap servers. */
  get bootstrap(): string {
    return this.#server.addresses
      .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
      .join(',')
  }

  get clusterId(): string {
    return this.#services.cluster.clusterId
  }

  /** What of the stored records is damaged or offline. Costs little: ask as often as you like. */
  health(): BrokerHealth {
    return this.#watch.health()
  }

  /**
   * Accepts nobody any more, answers what runs and what waits, then closes. With `drain` (the default) it also waits until everything
   * is on disk and leaves a mark that spares the next start its look at the logs.
   */
  close(options: { drain?: boolean } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options.drain ?? true))
  }

  async #close(drain: boolean): Promise<void> {
    const { engine, groups, sharePartitions, transactions, topics, cluster, logger } = this.#services
    this.#watch.close()
    transactions.close()
    sharePartitions.close()
    groups.close()
    topics.close()
    try {
      await this.#server.close(drain ? closePatienceMs : 0)
    } finally {
      await engine.close({ drain }).finally(() => cluster.close())
    }
    logger.info({ drain }, 'broker closed')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function openCluster({ data, world, logger = quiet }: Given): Promise<ClusterStore> {
  const freshClusterId = () => Buffer.from(world.random.bytes(16)).toString('base64url')
  if ('memory' in data) return EmbeddedClusterStore.inMemory(freshClusterId)
  await makeFolder(world.disk, data.folder)
  return EmbeddedClusterStore.openFolder({ folder: data.folder, disk: world.disk, logger, freshClusterId })
}

/** SQLite does not make folders. */
async function makeFolder(disk: Disk, folder: string): Promise<void> {
  try {
    await disk.makeFolder(folder)
  } catch (error) {
    throw new UsageError(
      `The data folder ${folder} cannot be made (${(error as Error).message}): choose another folder, or give access to it.`,
    )
  }
}

function startEngine(
  { data, world, logger = quiet }: Given,
  cluster: ClusterStore,
  config: BrokerConfig,
): Promise<EmbeddedEngine> {
  const isMemory = 'memory' in data
  return EmbeddedEngine.start({
    clock: world.clock,
    disk: isMemory ? memoryDisk() : world.disk,
    folder: isMemory ? '/memory' : data.folder,
    leaderEpoch: cluster.leaderEpoch,
    logger,
    cleaner: () => ({
      isEnabled: config.get('log.cleaner.enable') && config.get('log.cleaner.threads') > 0,
      backoffMs: config.get('log.cleaner.backoff.ms'),
      dedupeBytes: config.get('log.cleaner.dedupe.buffer.size'),
      bytesPerSecond: config.get('log.cleaner.io.max.bytes.per.second'),
      maxDecompressedBytes: config.get('odradek.max.decompressed.bytes'),
    }),
    limits: {
      retentionCheckMs: config.get('log.retention.check.interval.ms'),
      scrubBytesPerSecond: isMemory ? 0 : config.get('odradek.log.scrub.bytes.per.second'),
      // Memory needs no sync, and would hold everything twice.
      journalBytes: isMemory ? 0 : config.get('odradek.log.journal.bytes'),
    },
  })
}

async function startServices(
  { data, world, nodes = 1, logger = quiet }: Given,
  parts: { config: BrokerConfig; cluster: ClusterStore; engine: LogEngine },
): Promise<BrokerServices> {
  const { config, cluster } = parts
  const { clock, random } = world
  const firstNode = config.get('node.id')
  const nodeIds = Array.from({ length: nodes }, (_, i) => firstNode + i)
  for (const node of ['', ...nodeIds.map(String)]) config.setDynamic(node, cluster.brokerConfig(node))
  const topics = new Topics({ ...parts, clock, random, logger })
  await topics.openAll()
  const groups = embeddedGroups({ ...parts, clock, random, logger, topics })
  const consumerGroups = embeddedConsumerGroups({ ...parts, clock, random, logger, topics }, groups)
  const streamsGroups = embeddedStreamsGroups({ ...parts, clock, random, logger, topics }, groups)
  const shares = embeddedShares({ ...parts, ...spread(nodeIds), clock, random, logger, topics }, groups)
  await shares.sharePartitions.load()
  await groups.load(name => cluster.topic(name) !== undefined)
  const producerIds = new ProducerIds(cluster)
  const transactions = embeddedTransactions({
    ...{ ...parts, clock, random, logger, topics },
    freshProducerId: () => producerIds.next(),
    keepers: [{ topic: offsetsTopicName, endTransaction: (id, marker) => groups.endTransaction(id, marker) }],
  })
  await transactions.load()
  const dataName = 'memory' in data ? 'memory' : data.folder
  return {
    ...parts,
    ...spread(nodeIds),
    clock,
    random,
    logger,
    topics,
    groups,
    consumerGroups,
    streamsGroups,
    ...shares,
    transactions,
    nodeIds,
    dataName,
    producerIds,
    fetchTurns: new Turns(),
    fetchSessions: new FetchSessions(random, () => ({
      slots: config.get('max.incremental.fetch.session.cache.slots'),
      evictionMs: config.get('min.incremental.fetch.session.eviction.ms'),
      partitions: config.get('odradek.fetch.session.cache.partitions'),
    })),
  }
}

async function listenOrExplain(server: Server, address: Address): Promise<void> {
  try {
    await server.listen()
  } catch (error) {
    await server.close(0)
    throw listenFailure(error, address)
  }
}
