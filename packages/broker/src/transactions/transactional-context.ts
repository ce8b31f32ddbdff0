import { Buffer } from 'node:buffer'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { RequestContext } from '../handler.ts'

/** The longest text that a record of `__transaction_state` can hold. */
const longestId = 32_767

/** Why this node cannot speak for a transactional id now; NONE when it can. */
export function transactionError(id: string, { broker, nodeId }: RequestContext): ErrorCode {
  if (id === '' || (id.length > longestId / 3 && Buffer.byteLength(id) > longestId)) return ErrorCodes.INVALID_REQUEST
  if (broker.coordinatorOf(id) !== nodeId) return ErrorCodes.NOT_COORDINATOR
  return broker.transactions.obstacle(id)
}

/** Older clients know a fenced producer by another code. `since`: the first version that knows PRODUCER_FENCED. */
export function fencedFor(apiVersion: number, since: number, error: ErrorCode): ErrorCode {
  return error === ErrorCodes.PRODUCER_FENCED && apiVersion < since ? ErrorCodes.INVALID_PRODUCER_EPOCH : error
}
