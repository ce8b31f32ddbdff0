import { ErrorCodes, ListTransactions } from '@odradek/protocol'
import type { Handler } from '../handler.ts'
import { isListed, type ListFilter, wholeMatch } from '../transactions/list-filter.ts'
import { transactionStates } from '../transactions/transaction.ts'

const knownStates: ReadonlySet<string> = new Set(transactionStates)

/** The transactional ids that this node coordinates, filtered by state, producer, duration and name. */
export const listTransactions: Handler<typeof ListTransactions> = {
  api: ListTransactions,
  handle(request, { broker, nodeId }) {
    const unknownStateFilters = request.stateFilters.filter(state => !knownStates.has(state))
    const pattern = wholeMatch(request.transactionalIdPattern)
    if (pattern === 'invalid')
      return { errorCode: ErrorCodes.INVALID_REGULAR_EXPRESSION, unknownStateFilters, transactionStates: [] }
    const filter: ListFilter = {
      states: new Set(request.stateFilters),
      producerIds: new Set(request.producerIdFilters),
      durationMs: request.durationFilter,
      pattern,
    }
    const now = broker.clock.now()
    const found = Array.from(broker.transactions.all()).filter(
      transaction => broker.coordinatorOf(transaction.id) === nodeId && isListed(transaction, filter, now),
    )
    return {
      errorCode: ErrorCodes.NONE,
      unknownStateFilters,
      transactionStates: found.map(({ id: transactionalId, producerId, state: transactionState }) => {
        return { transactionalId, producerId, transactionState }
      }),
    }
  },
}
