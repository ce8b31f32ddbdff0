import { api } from '../api.ts'
import { array, bigint64, int16, int32, int64, nullable, preset, since, string } from '../schema.ts'

/** The transactions this broker coordinates, filtered by state, producer, duration and name (KIP-664). */
export const ListTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: [0, 2],
  flexible: 0,
  request: {
    stateFilters: array(string),
    producerIdFilters: array(bigint64),
    durationFilter: since(1, int64, -1), // milliseconds, -1: no filter, KIP-994
    transactionalIdPattern: since(2, nullable(string), null), // a regular expression (RE2), KIP-1152
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array({ transactionalId: string, producerId: bigint64, transactionState: string }),
  },
})
