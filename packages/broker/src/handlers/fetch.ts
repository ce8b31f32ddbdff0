import type { PartitionId, ReadRequest, ReadResult } from '@odradek/log'
import { type ErrorCode, ErrorCodes, Fetch, type Request, type ResponseInput } from '@odradek/protocol'
import { holdsZstd } from '../batch-codec.ts'
import { isCutShort } from '../fetch-limit.ts'
import type { AskedTopic, FetchSession } from '../fetch-sessions/fetch-session.ts'
import type { Handler, NodeAddress, RequestContext } from '../handler.ts'
import { ledPartition, missingTopic, topicOf } from '../located.ts'

type Answer = ResponseInput<typeof Fetch>
type PartitionAnswer = Mutable<Answer['responses'][number]['partitions'][number]>
type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Asked = AskedTopic['partitions'][number]

/** One fetch on its way: what is read again each time the logs have grown, and where the results go. */
interface Pending {
  request: Request<typeof Fetch>
  context: RequestContext
  session: FetchSession | undefined
  /** The session's epoch when the request came. */
  epoch: number
  /** The answer names everything, not only news. */
  isFull: boolean
  responses: Answer['responses']
  /** Where the leaders of partitions that are led elsewhere listen. */
  nodeEndpoints: readonly NodeAddress[]
  reads: ReadRequest[]
  answers: PartitionAnswer[]
  /** At most, of all partitions together. */
  maxBytes: number
  /** Something is to be told at once. */
  isUrgent: boolean
}

const noRecords = new Uint8Array(0)
/** The first version that names topics by id alone. */
const byTopicId = 13
const stable = 1
/** Made once: an abort without a reason makes one, with a stack, for every poll that ends. */
const timeIsUp = new Error('the fetch has waited long enough')

/**
 * Reads whole batches, as bytes. With too few of them the fetch parks until a log grows, maxWaitMs are over, or the connection closes;
 * errors are told at once. What it is about, and how much of the answer is news, a fetch session may say (KIP-227).
 */
export const fetch: Handler<typeof Fetch> = {
  api: Fetch,
  handle(request, context) {
    const { broker, nodeId, apiVersion } = context
    const now = broker.clock.monotonic()
    const scope = broker.fetchSessions.scope(request, { nodeId, usesTopicIds: apiVersion >= byTopicId, now })
    if ('refused' in scope) return { errorCode: scope.refused, responses: [] }
    const pending: Pending = {
      request,
      context,
      session: scope.session,
      epoch: scope.session?.epoch ?? 0,
      isFull: scope.isFull,
      responses: [],
      nodeEndpoints: [],
      reads: [],
      answers: [],
      maxBytes: 0,
      isUrgent: false,
    }
    pending.responses = scope.topics.map(topic => answerTopic(topic, pending))
    pending.maxBytes = wantedBytes(pending)
    rotate(pending)
    return readUntilEnough(pending)
  },
}

function answerTopic(asked: AskedTopic, pending: Pending): Answer['responses'][number] {
  const { context, request } = pending
  const topic = topicOf(context.broker.cluster, asked.topic, asked.topicId)
  const partitions = asked.partitions.map(wanted => {
    if (!topic) return failed(wanted, missingTopic(asked.topicId), pending)
    const partition = ledPartition(context, topic, wanted.partition, wanted.currentLeaderEpoch)
    if (typeof partition === 'number') {
      const answer = failed(wanted, partition, pending)
      if (partition === ErrorCodes.NOT_LEADER_OR_FOLLOWER)
        redirect(answer, topic.partitions[wanted.partition]!.id, pending)
      return answer
    }
    const answer: PartitionAnswer = {
      partitionIndex: wanted.partition,
      errorCode: 0,
      highWatermark: -1,
      abortedTransactions: request.isolationLevel === stable ? [] : null,
      records: noRecords,
    }
    const isolation = request.isolationLevel === stable ? 'stable' : 'uncommitted'
    pending.reads.push({
      partition: partition.id,
      offset: wanted.fetchOffset,
      maxBytes: wanted.partitionMaxBytes,
      isolation,
    })
    pending.answers.push(answer)
    return answer
  })
  return { topic: asked.topic, topicId: asked.topicId, partitions }
}

function failed({ partition }: Asked, errorCode: ErrorCode, pending: Pending): PartitionAnswer {
  pending.isUrgent = true
  return { partitionIndex: partition, errorCode, highWatermark: -1, abortedTransactions: null, records: noRecords }
}

/** Tells a client that came to the wrong node where the leader is (KIP-951). */
function redirect(answer: PartitionAnswer, id: PartitionId, pending: Pending): void {
  const { broker, nodeId } = pending.context
  answer.currentLeader = { leaderId: broker.leaderOf(id), leaderEpoch: broker.cluster.leaderEpoch }
  pending.nodeEndpoints = pending.context.nodes().filter(node => node.nodeId !== nodeId)
}

/** The most that the client, the settings and the partitions together ask for. */
function wantedBytes({ request, context, reads }: Pending): number {
  let bytes = 0
  for (const read of reads) bytes += Math.max(0, read.maxBytes)
  return Math.min(bytes, Math.max(0, request.maxBytes), context.broker.config.get('fetch.max.bytes'))
}

/** Another partition goes first each time. */
function rotate(pending: Pending): void {
  const { length } = pending.reads
  if (length < 2) return
  const by = pending.context.broker.fetchTurns.next(length)
  pending.reads = [...pending.reads.slice(by), ...pending.reads.slice(0, by)]
  pending.answers = [...pending.answers.slice(by), ...pending.answers.slice(0, by)]
}

async function readUntilEnough(pending: Pending): Promise<Answer> {
  const { request, context, reads } = pending
  const { engine, clock } = context.broker
  const read = () => engine.read(reads, { maxBytes: context.takeAllowance(pending.maxBytes), minOne: true })
  let results = await read()
  if (isEnough(pending, results) || request.maxWaitMs <= 0) return answered(pending, results)
  const giveUp = new AbortController()
  const stop = () => giveUp.abort(timeIsUp)
  const timer = clock.timer(request.maxWaitMs, stop)
  context.signal.addEventListener('abort', stop)
  if (context.signal.aborted) stop()
  const partitions = reads.map(read => read.partition)
  while (!giveUp.signal.aborted) {
    context.giveBackAllowance()
    await engine.onGrowth(partitions, results.map(highWatermarkOf), giveUp.signal)
    results = await read()
    if (isEnough(pending, results)) break
  }
  timer.cancel()
  context.signal.removeEventListener('abort', stop)
  return answered(pending, results)
}

const highWatermarkOf = (result: ReadResult): number => result.state?.highWatermark ?? -1

/** Whether the client wants to hear of this now: enough bytes, all that one answer may hold, or anything unusual. */
function isEnough({ request, reads, isUrgent }: Pending, results: readonly ReadResult[]): boolean {
  if (isUrgent) return true
  let bytes = 0
  for (const result of results) {
    if (!result.ok) return true
    for (const chunk of result.chunks) bytes += chunk.length
  }
  return bytes >= request.minBytes || (bytes > 0 && isCutShort(reads, results))
}

function answered(pending: Pending, results: readonly ReadResult[]): Answer {
  const { answers, responses, nodeEndpoints, context, session, epoch, isFull } = pending
  for (let i = 0; i < results.length; i++) fill(answers[i]!, results[i]!, context.apiVersion)
  if (session === undefined) return { responses, nodeEndpoints }
  // Another request has gone on with the session meanwhile, on another connection: this client has given this one up.
  if (session.epoch !== epoch) return { errorCode: ErrorCodes.INVALID_FETCH_SESSION_EPOCH, responses: [] }
  const news = session.newsOf(responses)
  return { sessionId: session.id, responses: isFull ? responses : news, nodeEndpoints }
}

function fill(answer: PartitionAnswer, result: ReadResult, apiVersion: number): void {
  if (result.state) {
    answer.highWatermark = result.state.highWatermark
    answer.lastStableOffset = result.state.lastStableOffset
    answer.logStartOffset = result.state.logStartOffset
  }
  if (!result.ok) {
    answer.errorCode = result.error
    return
  }
  if (apiVersion < 10 && holdsZstd(result.chunks)) {
    answer.errorCode = ErrorCodes.UNSUPPORTED_COMPRESSION_TYPE
    return
  }
  answer.records = result.chunks
  if (result.aborted) answer.abortedTransactions = result.aborted
}
