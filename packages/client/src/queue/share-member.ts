/**
 * Membership of a share group: heartbeats say who we are and what we want, the answers which partitions to fetch from. Several members
 * may have the same partition, so nothing has to be given up before another gets it.
 *
 *   epoch 0 joins ──► epoch n ──► fenced or forgotten: nothing is assigned, join again ──► …            -1 leaves
 */
import { ErrorCodes, errorByCode, KafkaError, ProtocolError, ShareGroupHeartbeat, UsageError } from '@odradek/protocol'
import { backoffMs } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../cluster/deadline.ts'
import { callCoordinator, forgetIfMoved } from '../consumer/group-call.ts'
import { Pulse } from '../consumer/pulse.ts'
import { TopicIds } from '../consumer/topic-ids.ts'
import { TopicMaking } from '../consumer/topic-making.ts'
import type { Trouble } from '../consumer/trouble.ts'

export interface AssignedPlace {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export interface ShareMemberOptions {
  readonly cluster: Cluster
  readonly trouble: Trouble
  readonly groupId: string
  readonly memberId: string
  readonly topics: readonly string[]
  readonly rackId: string | null
  readonly purpose: string
  readonly autoCreateTopics: boolean
  readonly metadataMaxAgeMs: number
  readonly onAssigned: (places: readonly AssignedPlace[]) => void
}

const leaveMs = 5_000
const leaveEpoch = -1

const rejoin: ReadonlySet<number> = new Set([
  ErrorCodes.UNKNOWN_MEMBER_ID,
  ErrorCodes.FENCED_MEMBER_EPOCH,
  ErrorCodes.GROUP_ID_NOT_FOUND,
])

export class ShareMember {
  readonly #options: ShareMemberOptions
  readonly #pulse: Pulse
  readonly #topicIds: TopicIds
  readonly #making: TopicMaking
  readonly #closing = new AbortController()
  #epoch = 0
  #isHeard = false
  #failures = 0
  #assigned: readonly { topicId: string; partitions: number[] }[] = []

  constructor(options: ShareMemberOptions) {
    const { cluster } = options
    this.#options = options
    this.#topicIds = new TopicIds(cluster)
    this.#making = new TopicMaking(cluster, options.metadataMaxAgeMs)
    this.#pulse = new Pulse(cluster.clock, () => this.#beat())
  }

  get epoch(): number {
    return this.#epoch
  }

  start(): void {
    if (this.#options.autoCreateTopics) this.#making.want(this.#options.topics)
    this.#pulse.now()
  }

  /** Leaves; whether that arrives is not ours to insist on. */
  async close(signal?: AbortSignal): Promise<void> {
    this.#closing.abort(new UsageError('the queue is closed'))
    this.#pulse.stop()
    this.#making.close()
    const { cluster, groupId, memberId, purpose } = this.#options
    if (this.#epoch > 0) {
      using deadline = new Deadline(cluster.clock, leaveMs, `the group '${groupId}' could not be left`, signal)
      const request = { groupId, memberId, memberEpoch: leaveEpoch }
      const options = { purpose, signal: deadline.signal }
      await callCoordinator(cluster, groupId, ShareGroupHeartbeat, request, options).catch(() => {})
    }
    cluster.closePurpose(purpose)
  }

  async #beat(): Promise<number | null> {
    try {
      const interval = await this.#ask()
      this.#failures = 0
      this.#options.trouble.passed('group')
      return interval
    } catch (error) {
      this.#isHeard = false
      if (this.#closing.signal.aborted) return null
      this.#failed(error)
      const { random, backoff } = this.#options.cluster
      return backoffMs(++this.#failures, random, backoff)
    }
  }

  async #ask(): Promise<number> {
    const { cluster, groupId, memberId, topics, rackId, purpose } = this.#options
    const { signal } = this.#closing
    const news = this.#isHeard ? {} : { rackId, subscribedTopicNames: topics.toSorted() }
    const request = { groupId, memberId, memberEpoch: this.#epoch, ...news }
    const answer = await callCoordinator(cluster, groupId, ShareGroupHeartbeat, request, { purpose, signal })
    if (answer.errorCode !== ErrorCodes.NONE) {
      const { errorCode, errorMessage: message } = answer
      throw new ProtocolError(errorCode, { api: ShareGroupHeartbeat.name, message: message ?? `group '${groupId}'` })
    }
    this.#epoch = answer.memberEpoch
    this.#isHeard = true
    if (answer.assignment) this.#assigned = answer.assignment.topicPartitions
    const { partitions, isIncomplete } = this.#topicIds.known(this.#assigned)
    if (!isIncomplete && answer.assignment) this.#options.onAssigned(partitions)
    if (!isIncomplete) return answer.heartbeatIntervalMs
    await this.#topicIds.learn(this.#assigned, signal)
    const learnt = this.#topicIds.known(this.#assigned)
    this.#options.onAssigned(learnt.partitions)
    return learnt.isIncomplete ? Math.min(1_000, answer.heartbeatIntervalMs) : answer.heartbeatIntervalMs
  }

  #failed(error: unknown): void {
    const { cluster, groupId, trouble } = this.#options
    const code = error instanceof ProtocolError ? error.errorCode : undefined
    if (code !== undefined) forgetIfMoved(cluster, groupId, code)
    if (code !== undefined && rejoin.has(code) && this.#epoch > 0) {
      this.#epoch = 0
      this.#assigned = []
      this.#options.onAssigned([])
      trouble.met('group', error, true)
      return
    }
    const isPassing = code === undefined ? error instanceof KafkaError && error.retriable : errorByCode(code).retriable
    trouble.met('group', code === ErrorCodes.UNSUPPORTED_VERSION ? noShareGroups(error) : error, isPassing)
  }
}

function noShareGroups(cause: unknown): KafkaError {
  const api = ShareGroupHeartbeat.name
  const message = 'the broker does not offer share groups (Apache Kafka does since 4.2), which queues need'
  return new ProtocolError(ErrorCodes.UNSUPPORTED_VERSION, { api, message, cause })
}
