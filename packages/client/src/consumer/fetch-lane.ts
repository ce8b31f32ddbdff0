/**
 * One way in which we fetch from a broker, with one request under way at a time. There are four to each broker:
 *
 *   waiting   a long poll for all partitions whose end we have reached; in a session, so that it costs little while nothing happens
 *   reading   for partitions that have more: answered at once, and so never in anybody's way. There are two of them, each with half
 *             of the partitions: the broker reads for one while we take in the other
 *   joining   a short poll for partitions that reached their end while `waiting` was under way without them
 *
 * So nobody waits for a long poll they are not part of. Each has a connection of its own, opened when first needed, for a broker answers
 * the requests of one connection in order.
 */
import { ErrorCodes, Fetch, noId, ProtocolError, type Response } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { FetchSession, type FetchTarget } from './fetch-session.ts'

export interface FetchLimits {
  readonly minBytes: number
  readonly isolation: 'read_uncommitted' | 'read_committed'
  readonly rackId: string
}

export type PartitionAnswer = Response<typeof Fetch>['responses'][number]['partitions'][number]

/** Partitions that are missing: the broker had nothing new to say about them. */
export type LaneAnswer = Map<AssignedPartition, PartitionAnswer>

/** The last version of Fetch that names topics. */
export const noIdsBelow = 12
const answerSlackMs = 30_000

export class FetchLane {
  isBusy = false
  readonly #cluster: Cluster
  readonly #nodeId: number
  readonly #purpose: string
  readonly #limits: FetchLimits
  readonly #maxWaitMs: number
  readonly #session: FetchSession

  constructor(options: {
    cluster: Cluster
    nodeId: number
    purpose: string
    limits: FetchLimits
    maxWaitMs: number
    hasSession: boolean
  }) {
    this.#cluster = options.cluster
    this.#nodeId = options.nodeId
    this.#purpose = options.purpose
    this.#limits = options.limits
    this.#maxWaitMs = options.maxWaitMs
    this.#session = new FetchSession(options.hasSession)
  }

  /** One request. Undefined: the broker wants a new session; ask again. */
  async fetch(partitions: readonly AssignedPartition[], maxBytes: number): Promise<LaneAnswer | undefined> {
    const targets = partitions.map(p => this.#target(p))
    const maxWaitMs = this.#maxWaitMs
    const { minBytes, isolation, rackId } = this.#limits
    const request = this.#session.request(targets)
    let response: Response<typeof Fetch>
    try {
      response = await this.#cluster.call(
        this.#nodeId,
        Fetch,
        { ...request, maxWaitMs, minBytes, maxBytes, rackId, isolationLevel: isolation === 'read_committed' ? 1 : 0 },
        {
          purpose: this.#purpose,
          timeoutMs: maxWaitMs + answerSlackMs,
          maxVersion: targets.some(t => t.topicId === noId) ? noIdsBelow : undefined,
        },
      )
    } catch (error) {
      this.#session.failed()
      throw error
    }
    if (!this.#session.answered(response.errorCode, response.sessionId)) {
      if (isSessionError(response.errorCode)) return undefined
      throw new ProtocolError(response.errorCode, { api: Fetch.name })
    }
    return this.#match(partitions, targets, response)
  }

  #target(p: AssignedPartition): FetchTarget {
    const topic = this.#cluster.topic(p.topic)
    return {
      topic: p.topic,
      topicId: topic?.topicId ?? noId,
      partition: p.partition,
      fetchOffset: p.fetchOffset,
      currentLeaderEpoch: topic?.partitions[p.partition]?.leaderEpoch ?? -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: p.partitionMaxBytes,
    }
  }

  #match(
    partitions: readonly AssignedPartition[],
    targets: readonly FetchTarget[],
    response: Response<typeof Fetch>,
  ): LaneAnswer {
    const asked = new Map<string, AssignedPartition>()
    targets.forEach((t, i) => {
      asked.set(`${t.topic}/${t.partition}`, partitions[i]!)
      asked.set(`${t.topicId}/${t.partition}`, partitions[i]!)
    })
    const answers: LaneAnswer = new Map()
    for (const topic of response.responses) {
      for (const answer of topic.partitions) {
        const p = asked.get(`${topic.topic || topic.topicId}/${answer.partitionIndex}`)
        if (p) answers.set(p, answer)
      }
    }
    return answers
  }
}

function isSessionError(code: number): boolean {
  return code === ErrorCodes.FETCH_SESSION_ID_NOT_FOUND || code === ErrorCodes.INVALID_FETCH_SESSION_EPOCH
}
