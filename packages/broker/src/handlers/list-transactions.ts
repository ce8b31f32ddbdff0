import { ErrorCodes, ListTransactions } from '@odradek/protocol'
import type { Handler } from '../handler.ts'
import { RegexError } from '../regex/regex-error.ts'
import { Work, workOfTurn } from '../regex/work.ts'
import { isListed, type ListFilter, wholeMatch } from '../transactions/list-filter.ts'
import { type Transaction, transactionStates } from '../transactions/transaction.ts'

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
      work: new Work(2 * workOfTurn),
    }
    const now = broker.clock.now()
    const found: Transaction[] = []
    try {
      for (const transaction of broker.transactions.all())
        if (broker.coordinatorOf(transaction.id) === nodeId && isListed(transaction, filter, now))
          found.push(transaction)
    } catch (error) {
      if (!(error instanceof RegexError)) throw error
      return { errorCode: ErrorCodes.INVALID_REGULAR_EXPRESSION, unknownStateFilters, transactionStates: [] }
    }
    return {
      errorCode: ErrorCodes.NONE,
      unknownStateFilters,
      transactionStates: found.map(({ id: transactionalId, producerId, state: transactionState }) => {
        return { transactionalId, producerId, transactionState }
      }),
    }
  },
}
