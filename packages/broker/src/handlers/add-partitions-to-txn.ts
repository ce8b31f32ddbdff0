import { AddPartitionsToTxn, type ErrorCode, ErrorCodes, type Request, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import type { ProducerIdentity } from '../transactions/transaction.ts'
import type { NamedPartition } from '../transactions/transaction-partitions.ts'
import { fencedFor, transactionError } from '../transactions/transactional-context.ts'

type AskedTopics = Request<typeof AddPartitionsToTxn>['v3AndBelowTopics']
type TopicResults = NonNullable<ResponseInput<typeof AddPartitionsToTxn>['resultsByTopicV3AndBelow']>
type Errors = (partition: NamedPartition) => ErrorCode

interface Joining extends ProducerIdentity {
  readonly id: string
  readonly topics: AskedTopics
  readonly clientVersion: 0 | 2
}

const { NONE, OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCodes

/**
 * Partitions join a transaction, all of them or none. From version 4 on it is for brokers, about many transactions; with `verifyOnly`
 * it only asks whether they have joined.
 */
export const addPartitionsToTxn: Handler<typeof AddPartitionsToTxn> = {
  api: AddPartitionsToTxn,
  async handle(request, context) {
    if (context.apiVersion < 4) {
      const { v3AndBelowTopics: topics, v3AndBelowTransactionalId: id, v3AndBelowProducerId: producerId } = request
      const joining = { id, producerId, epoch: request.v3AndBelowProducerEpoch, topics, clientVersion: 0 } as const
      const errors = await join(joining, context)
      const known: Errors = partition => fencedFor(context.apiVersion, 2, errors(partition))
      return { resultsByTopicV3AndBelow: results(topics, known) }
    }
    const resultsByTransaction = request.transactions.map(async asked => {
      const { transactionalId: id, producerId, producerEpoch: epoch, topics, verifyOnly } = asked
      const joining = { id, producerId, epoch, topics, clientVersion: 2 } as const
      const errors = verifyOnly ? verify(joining, context) : await join(joining, context)
      return { transactionalId: id, topicResults: results(topics, errors) }
    })
    return { errorCode: NONE, resultsByTransaction: await Promise.all(resultsByTransaction) }
  },
}

async function join(joining: Joining, context: RequestContext): Promise<Errors> {
  const { id, producerId, epoch, topics, clientVersion } = joining
  const refused = transactionError(id, context)
  if (refused !== NONE) return () => refused
  const { cluster, transactions } = context.broker
  const partitions = named(topics)
  const isKnown = ({ topic, index }: NamedPartition) => cluster.topic(topic)?.partitions[index] !== undefined
  if (!partitions.every(isKnown))
    return partition => (isKnown(partition) ? OPERATION_NOT_ATTEMPTED : UNKNOWN_TOPIC_OR_PARTITION)
  const { error } = await transactions.join(id, { producerId, epoch, partitions, clientVersion })
  return () => error
}

function verify({ id, topics: _, ...producer }: Joining, context: RequestContext): Errors {
  const refused = transactionError(id, context)
  return partition => (refused === NONE ? context.broker.transactions.membership(id, producer, partition) : refused)
}

const named = (topics: AskedTopics): NamedPartition[] =>
  topics.flatMap(({ name: topic, partitions }) => partitions.map(index => ({ topic, index })))

function results(topics: AskedTopics, errors: Errors): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(index => ({
      partitionIndex: index,
      partitionErrorCode: errors({ topic: name, index }),
    })),
  }))
}
