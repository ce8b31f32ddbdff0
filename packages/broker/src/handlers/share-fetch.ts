import { type ErrorCode, ErrorCodes, type Request, type ResponseInput, ShareFetch } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { Refusal } from '../refusal.ts'
import { type ShareFetched, ShareFetchRun } from '../share-partitions/share-fetch.ts'
import { SessionEpochs, type ShareSession } from '../share-partitions/share-sessions.ts'
import {
  type AckResult,
  acknowledgeAll,
  byTopic,
  checkedAsk,
  continuedSession,
  endpointsFor,
  leaderHint,
  type ShareAsk,
  sharePartitionOf,
} from './share-request.ts'

type Asked = Request<typeof ShareFetch>
type PartitionAnswer = ResponseInput<typeof ShareFetch>['responses'][number]['partitions'][number]

const strictLimit = 1
const noRecords = new Uint8Array(0)
/** Partitions of a session that its topics do not have, not here or not yet, and that are looked for again with each request. */
const mostMissing = 1000

/** One partition of the answer, as it comes together. */
interface Row {
  readonly topicId: string
  readonly partitionIndex: number
  error: ErrorCode
  acknowledged: AckResult | null
  fetched: ShareFetched | null
}

/**
 * Acquires records for a member of a share group. What it acknowledges along the way is taken first, and answered with it. With too few
 * records it parks until logs grow, others release some, maxWaitMs are over, or the connection closes.
 */
export const shareFetch: Handler<typeof ShareFetch> = {
  api: ShareFetch,
  async handle(request, context) {
    const ask = checkedAsk(request)
    checkRenewal(request)
    const session = sessionOf(ask, request, context)
    const isNew = ask.epoch === SessionEpochs.FIRST
    const isFinal = ask.epoch === SessionEpochs.FINAL
    const { sharePartitions } = context.broker
    const acknowledging = acknowledgeAll(ask, request, context)
    if (isFinal) sharePartitions.closeSession(session)
    else updatePartitions(session, request)
    const rows = isFinal ? new Map<string, Row>() : rowsOf(session, context)
    if (!isFinal) await acquire([...rows.values()], { ask, session, request, context })
    for (const result of await acknowledging) rowFor(rows, result).acknowledged = result
    const told = [...rows.values()].filter(row => isNew || isTelling(row))
    const errors = told.flatMap(row => [row.error, row.acknowledged?.error ?? ErrorCodes.NONE])
    return {
      errorCode: ErrorCodes.NONE,
      acquisitionLockTimeoutMs: sharePartitions.settings(ask.groupId).rules.lockMs,
      responses: byTopic(told, row => answerOf(row, context)),
      nodeEndpoints: endpointsFor(errors, context),
    }
  },
}

/** A request that renews locks fetches nothing (KIP-1222). */
function checkRenewal({ isRenewAck, maxBytes, minBytes, maxRecords, maxWaitMs }: Asked): void {
  if (!isRenewAck || (maxBytes === 0 && minBytes === 0 && maxRecords === 0 && maxWaitMs === 0)) return
  const message = 'A request that renews acquisition locks must ask for no bytes, no records and no wait.'
  throw new Refusal(ErrorCodes.INVALID_REQUEST, message)
}

function sessionOf(ask: ShareAsk, request: Asked, context: RequestContext): ShareSession {
  if (ask.epoch !== SessionEpochs.FIRST) return continuedSession(ask, context)
  if (request.topics.some(topic => topic.partitions.some(partition => partition.acknowledgementBatches.length > 0)))
    throw new Refusal(
      ErrorCodes.INVALID_REQUEST,
      'The request that begins a share session cannot acknowledge anything.',
    )
  const { groupId, memberId } = ask
  const { sharePartitions, config } = context.broker
  const { sessions } = sharePartitions
  const before = sessions.find(groupId, memberId, context.nodeId)
  if (before) sharePartitions.closeSession(before)
  const session = sessions.open(groupId, memberId, context.nodeId, config.get('group.share.max.share.sessions'))
  if (!session)
    throw new Refusal(
      ErrorCodes.SHARE_SESSION_LIMIT_REACHED,
      'There are as many share sessions as group.share.max.share.sessions allows.',
    )
  const close = () => sharePartitions.closeSession(session)
  context.signal.addEventListener('abort', close)
  session.detach = () => context.signal.removeEventListener('abort', close)
  return session
}

/** What is named is fetched from now on; what is forgotten is not. */
function updatePartitions({ partitions: cached }: ShareSession, { topics, forgottenTopicsData }: Asked): void {
  for (const { topicId, partitions } of topics) {
    let indexes = cached.get(topicId)
    if (!indexes) cached.set(topicId, (indexes = new Set()))
    for (const { partitionIndex } of partitions) indexes.add(partitionIndex)
  }
  for (const { topicId, partitions } of forgottenTopicsData) {
    const indexes = cached.get(topicId)
    for (const index of partitions) indexes?.delete(index)
    if (indexes?.size === 0) cached.delete(topicId)
  }
}

/** What the session has and what it has not: a topic that is not there never comes, so it is told of once, as is what is beyond the bound. */
function rowsOf(session: ShareSession, context: RequestContext): Map<string, Row> {
  const rows = new Map<string, Row>()
  let missing = 0
  for (const [topicId, indexes] of session.partitions) {
    for (const partitionIndex of indexes) {
      const row = rowFor(rows, { topicId, partitionIndex })
      const found = sharePartitionOf(session.groupId, topicId, partitionIndex, context)
      if (typeof found === 'number') {
        row.error = found
        if (found === ErrorCodes.UNKNOWN_TOPIC_ID || ++missing > mostMissing) indexes.delete(partitionIndex)
      } else row.fetched = { partition: found, error: ErrorCodes.NONE, records: [], acquired: [] }
    }
    if (indexes.size === 0) session.partitions.delete(topicId)
  }
  return rows
}

function rowFor(rows: Map<string, Row>, { topicId, partitionIndex }: Pick<Row, 'topicId' | 'partitionIndex'>): Row {
  const key = `${topicId}:${partitionIndex}`
  let row = rows.get(key)
  if (!row)
    rows.set(key, (row = { topicId, partitionIndex, error: ErrorCodes.NONE, acknowledged: null, fetched: null }))
  return row
}

async function acquire(
  rows: readonly Row[],
  { ask, session, request, context }: { ask: ShareAsk; session: ShareSession; request: Asked; context: RequestContext },
): Promise<void> {
  const fetched = rows.flatMap(row => row.fetched ?? [])
  const { broker } = context
  // Another partition goes first each time.
  const by = fetched.length > 1 ? broker.fetchTurns.next(fetched.length) : 0
  const limits = {
    member: ask.memberId,
    maxWaitMs: request.maxWaitMs,
    minBytes: request.minBytes,
    maxBytes: Math.min(request.maxBytes, broker.config.get('fetch.max.bytes')),
    maxRecords: request.maxRecords,
    batchSize: request.batchSize,
    isStrict: request.shareAcquireMode === strictLimit,
    isWanted: () => !session.isClosed,
  }
  const settings = broker.sharePartitions.settings(ask.groupId)
  const turned = [...fetched.slice(by), ...fetched.slice(0, by)]
  const isUrgent = rows.some(row => row.error !== ErrorCodes.NONE)
  await new ShareFetchRun(turned, limits, settings, context).run(isUrgent)
  for (const row of rows) if (row.fetched) row.error = row.fetched.error
}

const isTelling = ({ error, acknowledged, fetched }: Row): boolean =>
  error !== ErrorCodes.NONE || acknowledged !== null || (fetched?.acquired.length ?? 0) > 0

function answerOf(row: Row, context: RequestContext): PartitionAnswer {
  const { partitionIndex, error, acknowledged, fetched } = row
  const isLed = error !== ErrorCodes.NOT_LEADER_OR_FOLLOWER
  return {
    partitionIndex,
    errorCode: error,
    acknowledgeErrorCode: acknowledged?.error ?? ErrorCodes.NONE,
    acknowledgeErrorMessage: acknowledged?.message ?? null,
    currentLeader: leaderHint(row, isLed ? (acknowledged?.error ?? error) : error, context),
    records: fetched && fetched.records.length > 0 ? fetched.records : noRecords,
    acquiredRecords: (fetched?.acquired ?? []).map(({ first, last, deliveryCount }) => ({
      firstOffset: first,
      lastOffset: last,
      deliveryCount,
    })),
  }
}
