import type { AppendBatch, Appended, PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes, Produce, type Request, type ResponseInput } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { ledPartition, missingTopic, topicOf } from '../located.ts'
import { checkedBatch, type RefusedBatch } from '../produce-check.ts'
import { isInternalTopic } from '../topic-name.ts'
import {
  type Entry,
  entrance,
  entranceAlong,
  entranceError,
  isLookedAt,
  produceAge,
} from '../transactions/admission.ts'
import type { NamedPartition } from '../transactions/transaction-partitions.ts'

type Asked = Request<typeof Produce>
type Answer = ResponseInput<typeof Produce>
type PartitionAnswer = Mutable<Answer['responses'][number]['partitionResponses'][number]>
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * The shortest time an append is given. Clients may ask for none at all, which in Kafka only bounds the wait for other replicas; here
 * it bounds the sync too, and a write that takes one group commit must not be called a failure, since it would be sent again.
 */
const leastTimeoutMs = 1000

const { NONE, INVALID_PRODUCER_ID_MAPPING, TRANSACTIONAL_ID_AUTHORIZATION_FAILED } = ErrorCodes

/** Where the answer of an appended batch goes. */
interface Slot {
  batch: AppendBatch
  partition: NamedPartition
  answer: PartitionAnswer
}

/** Checks each batch by its header and checksum, hands all of them to the engine at once, and answers per partition. */
export const produce: Handler<typeof Produce> = {
  api: Produce,
  // librdkafka before 2.11 takes compression for missing unless version 0 is named (KAFKA-18659).
  advertised: [0, Produce.versions[1]],
  isPipelined: true,
  handle(request, context) {
    const slots: Slot[] = []
    const response: Answer = { responses: request.topicData.map(topic => answerTopic(request, topic, context, slots)) }
    const inTransaction = slots.filter(slot => slot.batch.transactional)
    if (inTransaction.length === 0) return append(slots, request, response, context)
    return produceInTransaction(slots, inTransaction, request, response, context)
  },
}

/** Batches of a transaction are looked at when nothing stands before them any more, and written in the same turn. */
async function produceInTransaction(
  slots: readonly Slot[],
  inTransaction: readonly Slot[],
  request: Asked,
  response: Answer,
  context: RequestContext,
): Promise<Answer | null> {
  const age = produceAge(context.apiVersion)
  const { clock, transactions } = context.broker
  const entry = entryOf(inTransaction, request, context)
  const along = entry && entranceAlong(transactions, entry, age)
  if (along === undefined) {
    const before = entry && entrance(transactions, entry, age)
    // Nothing may come between the look and the write; where there is nothing to wait for, nothing comes before it either.
    const error = before === undefined ? NONE : await before
    return append(admitted(slots, error, request, context), request, response, context)
  }
  // The record that its partitions have joined is on its way to the log: one sync makes both durable.
  await new Promise<void>(turn => clock.soon(turn))
  const answer = append(admitted(slots, NONE, request, context), request, response, context)
  const error = await along
  if (error === NONE) return answer
  await answer
  for (const slot of inTransaction) refuse(slot.answer, { error: entranceError(error, age) })
  return request.acks === 0 ? silence(response, context) : withEndpoints(response, context)
}

function append(
  slots: readonly Slot[],
  request: Asked,
  response: Answer,
  context: RequestContext,
): Answer | null | Promise<Answer | null> {
  if (slots.length === 0) return request.acks === 0 ? silence(response, context) : withEndpoints(response, context)
  const { engine, clock } = context.broker
  const batches = slots.map(slot => slot.batch)
  const acks = request.acks as 0 | 1 | -1
  const deadline = clock.monotonic() + Math.max(leastTimeoutMs, request.timeoutMs)
  return engine.append(batches, { acks, deadline }).then(appended => {
    for (let i = 0; i < slots.length; i++) fill(slots[i]!.answer, appended[i]!)
    return acks === 0 ? silence(response, context) : withEndpoints(response, context)
  })
}

/** Undefined: there is nothing to wait for. */
function entryOf(slots: readonly Slot[], request: Asked, { broker, apiVersion }: RequestContext): Entry | undefined {
  const { transactionalId: id } = request
  const { producerId, producerEpoch: epoch } = slots[0]!.batch
  if (id === null || !isLookedAt(broker.transactions, produceAge(apiVersion)) || !isOneProducer(slots)) return undefined
  return { id, producerId, epoch, partitions: slots.map(({ partition }) => partition) }
}

const isOneProducer = (slots: readonly Slot[]): boolean =>
  slots.every(({ batch }) => batch.producerId === slots[0]!.batch.producerId)

const nameless = 'The record batch is part of a transaction, but the request names no transactional id.'

/** Those that may be written in this very turn; the others are answered. */
function admitted(slots: readonly Slot[], error: ErrorCode, request: Asked, context: RequestContext): Slot[] {
  const { transactionalId: id } = request
  const { transactions } = context.broker
  const inTransaction = slots.filter(({ batch }) => batch.transactional)
  const isMixed = !isOneProducer(inTransaction)
  const age = produceAge(context.apiVersion)
  return slots.filter(({ batch, partition, answer }) => {
    if (!batch.transactional) return true
    if (id === null) refuse(answer, { error: TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message: nameless })
    else if (isMixed) refuse(answer, { error: INVALID_PRODUCER_ID_MAPPING })
    else if (isLookedAt(transactions, age)) {
      const { producerId, producerEpoch: epoch } = batch
      const verdict = error === NONE ? transactions.membership(id, { producerId, epoch }, partition) : error
      if (verdict !== NONE) refuse(answer, { error: entranceError(verdict, age) })
    }
    return answer.errorCode === NONE
  })
}

function answerTopic(
  request: Asked,
  asked: Asked['topicData'][number],
  context: RequestContext,
  slots: Slot[],
): Answer['responses'][number] {
  const topic = topicOf(context.broker.cluster, asked.name, asked.topicId)
  const refusal = topic ? topicRefusal(request, topic, context) : missingTopic(asked.topicId)
  const partitionResponses = asked.partitionData.map(({ index, records }) => {
    const answer: PartitionAnswer = { index, errorCode: refusal, baseOffset: -1 }
    if (refusal !== ErrorCodes.NONE) return answer
    const partition = ledPartition(context, topic!, index)
    if (typeof partition === 'number') {
      if (partition === ErrorCodes.NOT_LEADER_OR_FOLLOWER) redirect(answer, topic!.partitions[index]!.id, context)
      return refuse(answer, { error: partition })
    }
    const { broker, apiVersion } = context
    const config = broker.topics.configOf(topic!)
    const batch = checkedBatch(records, {
      partition,
      config,
      broker: broker.config,
      apiVersion,
      now: broker.clock.now(),
    })
    if ('error' in batch) return refuse(answer, batch)
    slots.push({ batch, partition: { topic: topic!.name, index }, answer })
    return answer
  })
  return { name: asked.name, topicId: asked.topicId, partitionResponses }
}

function topicRefusal(request: Asked, topic: Topic, { broker, clientId }: RequestContext): ErrorCode {
  const { acks } = request
  if (acks !== 0 && acks !== 1 && acks !== -1) return ErrorCodes.INVALID_REQUIRED_ACKS
  if (isInternalTopic(topic.name) && clientId !== '__admin_client') return ErrorCodes.INVALID_TOPIC_EXCEPTION
  if (acks === -1 && broker.topics.configOf(topic)['min.insync.replicas'] > 1) return ErrorCodes.NOT_ENOUGH_REPLICAS
  return ErrorCodes.NONE
}

function refuse(answer: PartitionAnswer, { error, message, records }: RefusedBatch): PartitionAnswer {
  answer.errorCode = error
  if (message !== undefined) answer.errorMessage = message
  if (records !== undefined) answer.recordErrors = records
  return answer
}

function fill(answer: PartitionAnswer, appended: Appended): void {
  if (!appended.ok) {
    answer.errorCode = appended.error
    answer.logStartOffset = appended.logStartOffset ?? -1
    return
  }
  answer.baseOffset = appended.baseOffset
  answer.logStartOffset = appended.logStartOffset
  if (appended.appendTime !== undefined) answer.logAppendTimeMs = appended.appendTime
}

/** With acks=0 nobody listens; closing the connection is the only way to say that something went wrong. */
function silence(response: Answer, context: RequestContext): null {
  for (const { partitionResponses } of response.responses) {
    for (const { errorCode } of partitionResponses) {
      if (errorCode === ErrorCodes.NONE) continue
      context.close(`a Produce with acks=0 failed with error ${errorCode}, and this is the only way to say so`)
      return null
    }
  }
  return null
}

/** Tells a client that came to the wrong node where the leader is (KIP-951). Done before anything waits: the topic may be deleted then. */
function redirect(answer: PartitionAnswer, id: PartitionId, { broker }: RequestContext): void {
  answer.currentLeader = { leaderId: broker.leaderOf(id), leaderEpoch: broker.cluster.leaderEpoch }
}

/** Adds where the leaders listen that the answer speaks of. */
function withEndpoints(response: Answer, context: RequestContext): Answer {
  const leaders = new Set<number>()
  for (const { partitionResponses } of response.responses) {
    for (const { currentLeader } of partitionResponses) if (currentLeader) leaders.add(currentLeader.leaderId!)
  }
  return leaders.size === 0
    ? response
    : { ...response, nodeEndpoints: context.nodes().filter(node => leaders.has(node.nodeId)) }
}
