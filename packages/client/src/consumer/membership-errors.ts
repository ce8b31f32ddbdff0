/** What a member does about an error of JoinGroup, SyncGroup or Heartbeat. What is not listed is retried if it is retriable, else fatal. */
import { ErrorCodes, errorByCode, KafkaError, ProtocolError } from '@odradek/protocol'

export type Reaction =
  /** Ask again after a while. */
  | 'retry'
  /** Look for the coordinator, then ask again. */
  | 'findCoordinator'
  /** The group is rebalancing: join. */
  | 'rejoin'
  /** The generation has passed without us; the member id is still good. */
  | 'loseGeneration'
  /** The group has forgotten us: join as somebody new. */
  | 'loseMembership'
  /** Join at once with the id in the answer (KIP-394). */
  | 'useMemberId'
  | 'fail'

const reactions: ReadonlyMap<number, Reaction> = new Map<number, Reaction>([
  [ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS, 'retry'],
  [ErrorCodes.COORDINATOR_NOT_AVAILABLE, 'findCoordinator'],
  [ErrorCodes.NOT_COORDINATOR, 'findCoordinator'],
  [ErrorCodes.REBALANCE_IN_PROGRESS, 'rejoin'],
  [ErrorCodes.ILLEGAL_GENERATION, 'loseGeneration'],
  [ErrorCodes.UNKNOWN_MEMBER_ID, 'loseMembership'],
  [ErrorCodes.MEMBER_ID_REQUIRED, 'useMemberId'],
  [ErrorCodes.FENCED_INSTANCE_ID, 'fail'],
  [ErrorCodes.INCONSISTENT_GROUP_PROTOCOL, 'fail'],
  [ErrorCodes.GROUP_MAX_SIZE_REACHED, 'fail'],
])

export function reactionToCode(code: number): Reaction {
  return reactions.get(code) ?? (errorByCode(code).retriable ? 'retry' : 'fail')
}

/** The same for something thrown. A connection that broke says nothing about the membership, but the coordinator may have moved. */
export function reactionToError(error: unknown): Reaction {
  if (error instanceof ProtocolError) return reactionToCode(error.errorCode)
  return error instanceof KafkaError && error.retriable ? 'findCoordinator' : 'fail'
}
