import { Buffer } from 'node:buffer'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { RequestContext } from '../handler.ts'

/** The longest text that a record of `__consumer_offsets` can hold. */
const longestId = 32_767

/** Why this node cannot speak for a group now; NONE when it can. */
export function coordinationError(groupId: string, { broker, nodeId }: RequestContext): ErrorCode {
  if (groupId.length > longestId / 3 && Buffer.byteLength(groupId) > longestId) return ErrorCodes.INVALID_GROUP_ID
  if (broker.coordinatorOf(groupId) !== nodeId) return ErrorCodes.NOT_COORDINATOR
  return broker.groups.obstacle(groupId)
}

/** The same for members, whose group must have a name. */
export function membershipError(groupId: string, context: RequestContext): ErrorCode {
  return groupId === '' ? ErrorCodes.INVALID_GROUP_ID : coordinationError(groupId, context)
}

/**
 * The answer to a request that waits for other members, or `otherwise` when nobody will hear it any more: the connection is closed or
 * the broker stops. The group keeps its place either way.
 */
export function heard<T>(answer: T | Promise<T>, signal: AbortSignal, otherwise: T): T | Promise<T> {
  if (!(answer instanceof Promise)) return answer
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(otherwise)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
