import type { PartitionId, Uuid } from '@odradek/log'
import type { ClusterStore, ConfigOverrides, Topic, TopicPartition } from './cluster-store.ts'
import { type Metadata, openMetadata, storageRefusal } from './sqlite-schema.ts'

type Row = Record<string, string | number | null>

/**
 * The cluster store of the embedded engine: one SQLite file, `metadata.db` in the data folder (FORMAT.md), with everything mirrored in
 * memory. Each write is one transaction, synced before it resolves. The file is locked exclusively while open, which makes it the lock
 * of the data folder too.
 */
export class SqliteClusterStore implements ClusterStore {
  readonly clusterId: string
  readonly leaderEpoch: number
  #version = 0
  readonly #db: Metadata
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<Uuid, Topic>()
  readonly #partitions = new Map<PartitionId, TopicPartition>()
  readonly #brokerConfig = new Map<string, ConfigOverrides>()

  /** Opens or creates `metadata.db` in a folder, which raises the leader epoch. Throws UsageError when the folder cannot be used. */
  static openFolder(folder: string, freshClusterId: () => string): SqliteClusterStore {
    return new SqliteClusterStore(openMetadata(folder, freshClusterId))
  }

  /** Keeps nothing. */
  static inMemory(freshClusterId: () => string): SqliteClusterStore {
    return new SqliteClusterStore(openMetadata(undefined, freshClusterId))
  }

  private constructor(db: Metadata) {
    this.#db = db
    this.clusterId = String(this.#db.value('cluster_id'))
    this.leaderEpoch = Number(this.#db.value('leader_epoch'))
    for (const row of this.#db.all('SELECT id FROM topic')) this.#load(String(row.id))
    for (const row of this.#db.all('SELECT DISTINCT node FROM broker_config')) this.#loadBrokerConfig(String(row.node))
  }

  get version(): number {
    return this.#version
  }

  topics(): Iterable<Topic> {
    return this.#byName.values()
  }

  topic(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  topicById(id: Uuid): Topic | undefined {
    return this.#byId.get(id)
  }

  partition(id: PartitionId): TopicPartition | undefined {
    return this.#partitions.get(id)
  }

  async createTopic(spec: { id: Uuid; name: string; partitions: number; config: ConfigOverrides }): Promise<Topic> {
    this.#write(() => {
      this.#db.run('INSERT INTO topic (id, name) VALUES (?, ?)', spec.id, spec.name)
      this.#insertPartitions(spec.id, 0, spec.partitions)
      this.#insertConfig(spec.id, spec.config)
    })
    return this.#load(spec.id)
  }

  async addPartitions(id: Uuid, total: number): Promise<Topic> {
    const from = this.#byId.get(id)!.partitions.length
    this.#write(() => this.#insertPartitions(id, from, total))
    return this.#load(id)
  }

  async setTopicConfig(id: Uuid, config: ConfigOverrides): Promise<Topic> {
    this.#write(() => {
      this.#db.run('DELETE FROM topic_config WHERE topic = ?', id)
      this.#insertConfig(id, config)
    })
    return this.#load(id)
  }

  async deleteTopic(id: Uuid): Promise<void> {
    this.#write(() => {
      this.#db.run('DELETE FROM topic_config WHERE topic = ?', id)
      this.#db.run('DELETE FROM partition WHERE topic = ?', id)
      this.#db.run('DELETE FROM topic WHERE id = ?', id)
      this.#db.run('INSERT INTO dropped_topic (id) VALUES (?)', id)
    })
    const topic = this.#byId.get(id)!
    this.#byId.delete(id)
    this.#byName.delete(topic.name)
    for (const partition of topic.partitions) this.#partitions.delete(partition.id)
    this.#version++
  }

  droppedTopics(): readonly Uuid[] {
    return this.#db.all('SELECT id FROM dropped_topic').map(row => String(row.id))
  }

  async forgetDropped(id: Uuid): Promise<void> {
    this.#write(() => this.#db.run('DELETE FROM dropped_topic WHERE id = ?', id))
  }

  brokerConfig(node: string): ConfigOverrides {
    return this.#brokerConfig.get(node) ?? {}
  }

  async setBrokerConfig(node: string, config: ConfigOverrides): Promise<void> {
    this.#write(() => {
      this.#db.run('DELETE FROM broker_config WHERE node = ?', node)
      for (const [name, value] of Object.entries(config)) {
        this.#db.run('INSERT INTO broker_config (node, name, value) VALUES (?, ?, ?)', node, name, value)
      }
    })
    this.#loadBrokerConfig(node)
  }

  async allocateProducerIds(count: number): Promise<bigint> {
    const first = BigInt(this.#db.value('next_producer_id')!)
    this.#write(() =>
      this.#db.run(`UPDATE cluster SET value = ? WHERE name = 'next_producer_id'`, String(first + BigInt(count))),
    )
    return first
  }

  async close(): Promise<void> {
    this.#db.close()
  }

  /** Throws a Refusal, and nothing has changed, when the disk does not take it. */
  #write(changes: () => void): void {
    try {
      this.#db.write(changes)
    } catch (error) {
      throw storageRefusal(error)
    }
  }

  #insertPartitions(topic: Uuid, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      this.#db.run('INSERT INTO partition (topic, "index") VALUES (?, ?)', topic, index)
    }
  }

  #insertConfig(topic: Uuid, config: ConfigOverrides): void {
    for (const [name, value] of Object.entries(config)) {
      this.#db.run('INSERT INTO topic_config (topic, name, value) VALUES (?, ?, ?)', topic, name, value)
    }
  }

  #load(id: Uuid): Topic {
    const { name } = this.#db.all('SELECT name FROM topic WHERE id = ?', id)[0]! as { name: string }
    const rows = this.#db.all('SELECT id, "index" FROM partition WHERE topic = ? ORDER BY "index"', id)
    const identity = { id, name }
    const partitions = rows.map(row => ({ topic: identity, index: Number(row.index), id: Number(row.id) }))
    const config = pairs(this.#db.all('SELECT name, value FROM topic_config WHERE topic = ?', id))
    const topic: Topic = { id, name, partitions, config }
    this.#byName.set(name, topic)
    this.#byId.set(id, topic)
    for (const partition of partitions) this.#partitions.set(partition.id, partition)
    this.#version++
    return topic
  }

  #loadBrokerConfig(node: string): void {
    this.#brokerConfig.set(node, pairs(this.#db.all('SELECT name, value FROM broker_config WHERE node = ?', node)))
    this.#version++
  }
}

const pairs = (rows: Row[]): ConfigOverrides => Object.fromEntries(rows.map(row => [row.name, String(row.value)]))
