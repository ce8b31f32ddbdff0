import { DescribeTransactions, ErrorCodes, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { byTopic } from '../transactions/transaction-partitions.ts'
import { transactionError } from '../transactions/transactional-context.ts'

type Described = ResponseInput<typeof DescribeTransactions>['transactionStates'][number]

/** What the coordinator knows of transactional ids. */
export const describeTransactions: Handler<typeof DescribeTransactions> = {
  api: DescribeTransactions,
  handle(request, context) {
    return { transactionStates: request.transactionalIds.map(id => described(id, context)) }
  },
}

function described(transactionalId: string, context: RequestContext): Described {
  const refused = transactionError(transactionalId, context)
  const known = refused === ErrorCodes.NONE ? context.broker.transactions.get(transactionalId) : undefined
  if (known === undefined) {
    return {
      ...{ errorCode: refused === ErrorCodes.NONE ? ErrorCodes.TRANSACTIONAL_ID_NOT_FOUND : refused, transactionalId },
      ...{ transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: 0 },
      ...{ producerId: 0n, producerEpoch: 0, topics: [] },
    }
  }
  return {
    errorCode: ErrorCodes.NONE,
    transactionalId,
    transactionState: known.state,
    transactionTimeoutMs: known.timeoutMs,
    transactionStartTimeMs: known.startedAt,
    producerId: known.producerId,
    producerEpoch: known.epoch,
    topics: byTopic(known.partitions),
  }
}
