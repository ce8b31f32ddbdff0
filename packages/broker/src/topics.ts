import type { LogEngine, TopicSpec, Uuid } from '@odradek/log'
import { ErrorCodes } from '@odradek/protocol'
import type { Clock, Random, Timer } from '@odradek/world'
import type { ClusterStore, ConfigOverrides, Topic } from './cluster-store/cluster-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { logConfigOf, resolveTopicConfig, type TopicConfig, wrongTopicConfig } from './config/topic-config.ts'
import { freshUuid } from './fresh-uuid.ts'
import type { Logger } from './logger.ts'
import { Refusal } from './refusal.ts'
import { collisionKey, isInternalTopic, wrongTopicName } from './topic-name.ts'

export interface NewTopic {
  name: string
  /** -1: the broker's num.partitions. */
  partitions: number
  config: ConfigOverrides
}

/**
 * The life of topics: the cluster store knows that they are there, the engine holds their bytes, and this keeps the two in step. A topic
 * is stored first and opened second, deleted from the store first and dropped second: whatever a crash cuts short, `openAll` finishes.
 */
export class Topics {
  readonly #cluster: ClusterStore
  readonly #engine: LogEngine
  readonly #config: BrokerConfig
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #resolved = new WeakMap<Topic, TopicConfig>()
  readonly #pending = new Map<string, Promise<Topic>>()
  /** Topics with partitions that could not be opened, and when that is tried again. */
  readonly #reopenings = new Map<Uuid, Timer>()
  #isClosed = false
  readonly #deleted = new Set<(topic: Topic) => void>()

  constructor(o: {
    cluster: ClusterStore
    engine: LogEngine
    config: BrokerConfig
    clock: Clock
    random: Random
    logger: Logger
  }) {
    this.#cluster = o.cluster
    this.#engine = o.engine
    this.#config = o.config
    this.#clock = o.clock
    this.#random = o.random
    this.#logger = o.logger
    o.config.onChange(() => this.#reconfigure())
  }

  /** At start: every topic the store knows is opened, and what was deleted but still lies around is dropped. */
  async openAll(): Promise<void> {
    for (const id of this.#cluster.droppedTopics()) await this.#dropBytes({ id })
    await Promise.all([...this.#cluster.topics()].map(topic => this.#openOrLater(topic)))
  }

  /** Some partitions may have to wait for descriptors; the others need not wait for them. */
  async #openOrLater(topic: Topic): Promise<void> {
    try {
      await this.#engine.open(this.#specOf(topic))
    } catch (error) {
      this.#reopenLater(topic.id)
      const reason = error instanceof Error ? error.message : String(error)
      this.#logger.error(
        { topic: topic.name, error: reason },
        'not all partitions can be opened yet; it is tried again',
      )
    }
  }

  /** A topic's settings as they are in force. Cheap: resolved once per change. */
  configOf(topic: Topic): TopicConfig {
    let config = this.#resolved.get(topic)
    if (!config) this.#resolved.set(topic, (config = resolveTopicConfig(topic.config, this.#config)))
    return config
  }

  /** Throws a Refusal for what cannot be created, also when it is only asked whether it could be. */
  check(spec: NewTopic): void {
    const wrongName = wrongTopicName(spec.name)
    if (wrongName) throw new Refusal(ErrorCodes.INVALID_TOPIC_EXCEPTION, wrongName)
    if (this.#cluster.topic(spec.name) || this.#pending.has(spec.name)) {
      throw new Refusal(ErrorCodes.TOPIC_ALREADY_EXISTS, `Topic '${spec.name}' already exists.`)
    }
    const twin = this.#collision(spec.name)
    if (twin) {
      throw new Refusal(
        ErrorCodes.INVALID_TOPIC_EXCEPTION,
        `Topic '${spec.name}' collides with existing topic: ${twin}`,
      )
    }
    if (spec.partitions !== -1 && (spec.partitions < 1 || spec.partitions > maxPartitions)) {
      const message = `Number of partitions was set to an invalid value: write 1 to ${maxPartitions}, or -1 for the broker's default.`
      throw new Refusal(ErrorCodes.INVALID_PARTITIONS, message)
    }
    const wrongConfig = wrongTopicConfig(spec.config)
    if (wrongConfig) throw new Refusal(ErrorCodes.INVALID_CONFIG, wrongConfig)
  }

  async create(spec: NewTopic): Promise<Topic> {
    this.check(spec)
    const creation = this.#create(spec)
    this.#pending.set(spec.name, creation)
    try {
      return await creation
    } finally {
      this.#pending.delete(spec.name)
    }
  }

  /** The topic of this name, created when it is missing. Whoever asks meanwhile waits for the same creation. */
  async ensure(spec: NewTopic): Promise<Topic> {
    return (await this.#pending.get(spec.name)) ?? this.#cluster.topic(spec.name) ?? (await this.create(spec))
  }

  /**
   * New partitions may have records as soon as they are open, so one that cannot be opened (there are no file descriptors left) takes
   * none of the others back: it is opened as soon as that is possible, and whoever asked is told.
   */
  async addPartitions(topic: Topic, total: number): Promise<Topic> {
    const grown = await this.#cluster.addPartitions(topic.id, total)
    try {
      await this.#engine.open(this.#specOf(grown))
    } catch (error) {
      this.#reopenLater(topic.id)
      const reason = error instanceof Error ? error.message : String(error)
      this.#logger.error({ topic: topic.name, error: reason }, 'new partitions cannot be opened yet; it is tried again')
      const message = `Topic '${topic.name}' has ${total} partitions now, but not all can be opened yet: ${reason}. It is tried again until they are.`
      throw new Refusal(ErrorCodes.KAFKA_STORAGE_ERROR, message)
    }
    this.#logger.info({ topic: topic.name, partitions: total }, 'topic has more partitions')
    return grown
  }

  #reopenLater(id: Uuid): void {
    this.#reopenings.get(id)?.cancel()
    if (this.#isClosed) return
    this.#reopenings.set(
      id,
      this.#clock.timer(reopenAfterMs, () => void this.#reopen(id)),
    )
  }

  async #reopen(id: Uuid): Promise<void> {
    this.#reopenings.delete(id)
    const topic = this.#cluster.topicById(id)
    if (!topic) return
    try {
      await this.#engine.open(this.#specOf(topic))
      if (!this.#cluster.topicById(id)) return await this.#dropBytes(topic)
      this.#logger.info({ topic: topic.name }, 'all partitions are open')
    } catch {
      this.#reopenLater(id)
    }
  }

  /** Opens nothing any more. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#reopenings.values()) timer.cancel()
  }

  async delete(topic: Topic): Promise<void> {
    await this.#cluster.deleteTopic(topic.id)
    await this.#dropBytes(topic)
    this.#logger.info({ topic: topic.name, topicId: topic.id }, 'topic deleted')
    for (const deleted of this.#deleted) deleted(topic)
  }

  /** The topic is gone, whatever becomes of its bytes: the next start tries again. */
  async #dropBytes({ id: topicId, name }: { id: Uuid; name?: string }): Promise<void> {
    try {
      await this.#engine.drop(topicId)
      await this.#cluster.forgetDropped(topicId)
    } catch (error) {
      this.#logger.error(
        { topic: name, topicId, error },
        'the bytes of a deleted topic could not be removed; the next start tries again',
      )
    }
  }

  /** Called after a topic is gone (its committed offsets go too). */
  onDelete(deleted: (topic: Topic) => void): void {
    this.#deleted.add(deleted)
  }

  async setConfig(topic: Topic, config: ConfigOverrides): Promise<void> {
    this.#configure(await this.#cluster.setTopicConfig(topic.id, config))
  }

  async #create(spec: NewTopic): Promise<Topic> {
    const partitions = spec.partitions === -1 ? this.#config.get('num.partitions') : spec.partitions
    const topic = await this.#cluster.createTopic({
      id: this.#freshId(),
      name: spec.name,
      partitions,
      config: spec.config,
    })
    try {
      await this.#engine.open(this.#specOf(topic))
    } catch (error) {
      await this.#takeBack(topic)
      const reason = error instanceof Error ? error.message : String(error)
      this.#logger.error({ topic: topic.name, error: reason }, 'a topic could not be opened, and was not created')
      throw new Refusal(ErrorCodes.KAFKA_STORAGE_ERROR, `Topic '${topic.name}' cannot be opened: ${reason}.`)
    }
    this.#logger.info({ topic: topic.name, topicId: topic.id, partitions }, 'topic created')
    return topic
  }

  /** What cannot even be deleted is there, and opened when that is possible. */
  async #takeBack(topic: Topic): Promise<void> {
    try {
      await this.#cluster.deleteTopic(topic.id)
    } catch (error) {
      this.#reopenLater(topic.id)
      throw error
    }
    await this.#dropBytes(topic)
  }

  #collision(name: string): string | undefined {
    if (!/[._]/.test(name) || isInternalTopic(name)) return undefined
    const key = collisionKey(name)
    for (const topic of this.#cluster.topics()) if (collisionKey(topic.name) === key) return topic.name
    return undefined
  }

  #reconfigure(): void {
    for (const topic of this.#cluster.topics()) {
      this.#resolved.delete(topic)
      this.#configure(topic)
    }
  }

  #configure(topic: Topic): void {
    const ids = topic.partitions.map(partition => partition.id)
    this.#engine.configure(ids, logConfigOf(this.configOf(topic)))
  }

  #specOf(topic: Topic): TopicSpec {
    const partitions = topic.partitions.map(({ index, id }) => ({ index, id }))
    return { topicId: topic.id, name: topic.name, partitions, config: logConfigOf(this.configOf(topic)) }
  }

  /** Begins, as Kafka prints it in base64, without a dash: such ids break command lines. */
  #freshId(): string {
    for (;;) {
      const id = freshUuid(this.#random)
      if (!/^f[89ab]/.test(id)) return id
    }
  }
}

const maxPartitions = 10_000
const reopenAfterMs = 1000
