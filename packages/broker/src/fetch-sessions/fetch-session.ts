import { ErrorCodes, type Fetch, noId, type Request, type ResponseInput } from '@odradek/protocol'

type Asked = Request<typeof Fetch>
export type AskedTopic = Asked['topics'][number]
type AskedPartition = AskedTopic['partitions'][number]
type TopicAnswer = ResponseInput<typeof Fetch>['responses'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]
type Forgotten = Asked['forgottenTopicsData'][number]

/** What the client was told last of a partition; null: nothing yet, or an error, so that whatever comes next is news. */
interface Told {
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
}

interface SessionTopic {
  readonly topic: string
  readonly topicId: string
  /** By index. */
  readonly partitions: Map<number, { asked: AskedPartition; told: Told | null }>
}

/**
 * What one client fetches from one node, remembered between its requests (KIP-227): a request names what has changed, an answer what is
 * new. It ends when the client says so, when it is forgotten for the sake of others, or with the process.
 *
 *     epoch 0 opens it ──▶ 1, 2, 3, …: each request counts one up, 1 following 2³¹−1
 *
 * A request with another epoch is refused: one of the two has missed something. Decisions only; `now` is monotonic.
 */
export class FetchSession {
  readonly id: number
  readonly nodeId: number
  /** Fetch from version 13 on names topics by id; a session keeps to one way. */
  readonly usesTopicIds: boolean
  readonly createdAt: number
  usedAt: number
  /** What the next request has to carry. */
  epoch = 1
  #size = 0
  readonly #topics = new Map<string, SessionTopic>()

  constructor(o: { id: number; nodeId: number; usesTopicIds: boolean; now: number }) {
    this.id = o.id
    this.nodeId = o.nodeId
    this.usesTopicIds = o.usesTopicIds
    this.createdAt = o.now
    this.usedAt = o.now
  }

  /** Partitions. */
  get size(): number {
    return this.#size
  }

  used(now: number): void {
    this.usedAt = now
    this.epoch = this.epoch === 0x7fff_ffff ? 1 : this.epoch + 1
  }

  /** Adds, changes and leaves out, as a request says. */
  update(topics: readonly AskedTopic[], forgotten: readonly Forgotten[]): void {
    for (const { topic, topicId, partitions } of topics) {
      const kept = this.#topic(topic, topicId)
      for (const asked of partitions) {
        const known = kept.partitions.get(asked.partition)
        if (known) known.asked = asked
        else {
          kept.partitions.set(asked.partition, { asked, told: null })
          this.#size++
        }
      }
    }
    for (const { topic, topicId, partitions } of forgotten) this.#forget(keyOf(topic, topicId), partitions)
  }

  /** All that is fetched, as a request without a session would name it. */
  wanted(): AskedTopic[] {
    return Array.from(this.#topics.values(), ({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: Array.from(partitions.values(), ({ asked }) => asked),
    }))
  }

  /** What of an answer is news: records, errors, marks that have moved. It counts as told. */
  newsOf(responses: readonly TopicAnswer[]): TopicAnswer[] {
    const news: TopicAnswer[] = []
    for (const answer of responses) {
      const topic = this.#topics.get(keyOf(answer.topic ?? '', answer.topicId ?? noId))
      const partitions = topic ? answer.partitions.filter(each => isNews(topic, each)) : []
      if (partitions.length > 0) news.push({ ...answer, partitions })
    }
    return news
  }

  #topic(topic: string, topicId: string): SessionTopic {
    const key = keyOf(topic, topicId)
    let kept = this.#topics.get(key)
    if (!kept) this.#topics.set(key, (kept = { topic, topicId, partitions: new Map() }))
    return kept
  }

  #forget(key: string, partitions: readonly number[]): void {
    const kept = this.#topics.get(key)
    if (!kept) return
    for (const partition of partitions) if (kept.partitions.delete(partition)) this.#size--
    if (kept.partitions.size === 0) this.#topics.delete(key)
  }
}

function isNews({ partitions }: SessionTopic, answer: PartitionAnswer): boolean {
  const kept = partitions.get(answer.partitionIndex)
  if (!kept) return false
  if (answer.errorCode !== ErrorCodes.NONE) {
    kept.told = null
    return true
  }
  const { highWatermark, lastStableOffset = -1, logStartOffset = -1 } = answer
  const { told } = kept
  kept.told = { highWatermark, lastStableOffset, logStartOffset }
  return (
    told === null ||
    told.highWatermark !== highWatermark ||
    told.lastStableOffset !== lastStableOffset ||
    told.logStartOffset !== logStartOffset ||
    hasRecords(answer)
  )
}

/** Records are bytes, or a list of pieces of them. */
function hasRecords({ records }: PartitionAnswer): boolean {
  return records !== null && records.length > 0
}

const keyOf = (topic: string, topicId: string): string => (topicId === noId ? topic : topicId)
