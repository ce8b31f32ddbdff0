/**
 * What a small healthy cluster answers to consumers: Fetch with long polls and sessions, ListOffsets, and a coordinator whose groups
 * have one member. Tests replace single answers with `on` and `once`.
 */
import {
  ErrorCodes,
  Fetch,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListOffsets,
  OffsetCommit,
  OffsetFetch,
  OffsetForLeaderEpoch,
  type Request,
  type ResponseInput,
  readBatch,
  SyncGroup,
} from '@odradek/protocol'
import { type Clock, sleep } from '@odradek/world'
import type { PartitionModel } from './partition-model.ts'
import type { ScriptedCluster, ScriptedTopic } from './scripted-broker.ts'

type FetchedTopics = Request<typeof Fetch>['topics']

export class ConsumerAnswers {
  /** By `group/topic-partition`. */
  readonly committed = new Map<string, number>()
  generation = 0
  /** Sessions are declined until this is set. */
  hasSessions = false
  /** Fetches from here are answered CORRUPT_MESSAGE. */
  isDamaged: (partition: number, offset: number) => boolean = () => false
  readonly #cluster: ScriptedCluster
  readonly #clock: Clock
  readonly #sessions = new Map<number, FetchedTopics>()

  constructor(cluster: ScriptedCluster, clock: Clock) {
    this.#cluster = cluster
    this.#clock = clock
    cluster.on(Fetch, (request, { node }) => this.#fetch(request, node.id))
    cluster.on(ListOffsets, request => this.#listOffsets(request))
    cluster.on(OffsetForLeaderEpoch, request => this.#endsOfEpochs(request))
    cluster.on(JoinGroup, request => this.#join(request))
    cluster.on(SyncGroup, request => ({
      errorCode: 0,
      assignment: request.assignments[0]?.assignment ?? new Uint8Array(),
    }))
    cluster.on(Heartbeat, () => ({ errorCode: 0 }))
    cluster.on(LeaveGroup, () => ({ errorCode: 0 }))
    cluster.on(OffsetFetch, request => this.#offsetFetch(request))
    cluster.on(OffsetCommit, request => this.#offsetCommit(request))
  }

  async #fetch(request: Request<typeof Fetch>, nodeId: number): Promise<ResponseInput<typeof Fetch>> {
    const { sessionId, topics } = this.#inSession(request)
    const answer = () =>
      topics.map(({ topic: name, topicId, partitions }) => ({
        topic: name,
        topicId,
        partitions: partitions.map(asked => this.#read(name, topicId, asked, nodeId)),
      }))
    let responses = answer()
    if (
      request.maxWaitMs > 0 &&
      responses.every(t => t.partitions.every(p => p.records === null && p.errorCode === 0))
    ) {
      await sleep(this.#clock, request.maxWaitMs)
      responses = answer()
    }
    return { errorCode: 0, sessionId, responses }
  }

  #inSession({ sessionId, sessionEpoch, topics, forgottenTopicsData }: Request<typeof Fetch>): {
    sessionId: number
    topics: FetchedTopics
  } {
    if (!this.hasSessions || sessionEpoch === -1) return { sessionId: 0, topics }
    const id = sessionEpoch === 0 ? this.#sessions.size + 1 : sessionId
    const forgotten = new Set(forgottenTopicsData.flatMap(t => t.partitions.map(p => `${t.topicId}/${p}`)))
    const known = (sessionEpoch === 0 ? [] : this.#sessions.get(id)!).map(t => ({
      ...t,
      partitions: t.partitions.filter(p => {
        const isNamed = topics.some(n => n.topicId === t.topicId && n.partitions.some(q => q.partition === p.partition))
        return !isNamed && !forgotten.has(`${t.topicId}/${p.partition}`)
      }),
    }))
    const now = [...known, ...topics]
    this.#sessions.set(id, now)
    return { sessionId: id, topics: now }
  }

  #read(name: string, topicId: string, asked: FetchedTopics[number]['partitions'][number], nodeId: number) {
    const { partition, fetchOffset: offset, partitionMaxBytes } = asked
    const topic = this.#topic(name, topicId)
    const model = topic?.partitions[partition]
    const at = { partitionIndex: partition, highWatermark: model?.end ?? -1, abortedTransactions: null, records: null }
    if (!topic || !model) return { ...at, errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }
    if (topic.leaders[partition] !== nodeId) return { ...at, errorCode: ErrorCodes.NOT_LEADER_OR_FOLLOWER }
    if (offset < model.logStartOffset || offset > model.end) return { ...at, errorCode: ErrorCodes.OFFSET_OUT_OF_RANGE }
    if (this.isDamaged(partition, offset)) return { ...at, errorCode: ErrorCodes.CORRUPT_MESSAGE }
    const rest = model.batches.filter(batch => readBatch(batch).lastOffset >= offset)
    const damagedAt = rest.findIndex(batch => this.isDamaged(partition, readBatch(batch).baseOffset))
    const found = damagedAt === -1 ? rest : rest.slice(0, damagedAt)
    let bytes = 0
    const fitting = found.filter((batch, i) => (bytes += batch.length) <= partitionMaxBytes || i === 0)
    return { ...at, errorCode: 0, records: fitting.length > 0 ? Buffer.concat(fitting) : null }
  }

  #topic(name: string, topicId: string): ScriptedTopic | undefined {
    return this.#cluster.topics.get(name) ?? [...this.#cluster.topics.values()].find(t => t.topicId === topicId)
  }

  #listOffsets(request: Request<typeof ListOffsets>): ResponseInput<typeof ListOffsets> {
    const offsetOf = (model: PartitionModel, timestamp: number) => (timestamp === -1 ? model.end : model.logStartOffset)
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const offset = offsetOf(this.#cluster.partition(name, partitionIndex), timestamp)
        return { partitionIndex, errorCode: 0, offset, timestamp: -1 }
      }),
    }))
    return { topics }
  }

  #endsOfEpochs(request: Request<typeof OffsetForLeaderEpoch>): ResponseInput<typeof OffsetForLeaderEpoch> {
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, leaderEpoch }) => {
        return { errorCode: 0, partition, leaderEpoch, endOffset: this.#cluster.partition(topic, partition).end }
      }),
    }))
    return { topics }
  }

  #join(request: Request<typeof JoinGroup>): ResponseInput<typeof JoinGroup> {
    const { name, metadata } = request.protocols[0]!
    const none = { generationId: -1, protocolName: '', leader: '', members: [] }
    if (request.memberId === '') return { ...none, errorCode: ErrorCodes.MEMBER_ID_REQUIRED, memberId: 'given' }
    const { memberId } = request
    const generationId = ++this.generation
    return {
      errorCode: 0,
      generationId,
      protocolName: name,
      leader: memberId,
      memberId,
      members: [{ memberId, metadata }],
    }
  }

  #offsetFetch(request: Request<typeof OffsetFetch>): ResponseInput<typeof OffsetFetch> {
    const groups = request.groups.map(({ groupId, topics }) => ({
      groupId,
      topics: topics!.map(({ name, topicId, partitionIndexes }) => ({
        name,
        topicId,
        partitions: partitionIndexes.map(partitionIndex => {
          const committedOffset =
            this.committed.get(`${groupId}/${this.#nameOf(name, topicId)}-${partitionIndex}`) ?? -1
          return { partitionIndex, committedOffset, metadata: '', errorCode: 0 }
        }),
      })),
    }))
    return { groups }
  }

  #offsetCommit(request: Request<typeof OffsetCommit>): ResponseInput<typeof OffsetCommit> {
    const topics = request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, committedOffset }) => {
        this.committed.set(`${request.groupId}/${this.#nameOf(name, topicId)}-${partitionIndex}`, committedOffset)
        return { partitionIndex, errorCode: 0 }
      }),
    }))
    return { topics }
  }

  #nameOf(name: string, topicId: string): string {
    return name || [...this.#cluster.topics].find(([, topic]) => topic.topicId === topicId)![0]
  }
}
