/** What a member does about an error of ConsumerGroupHeartbeat. What is not listed is retried if it is retriable, else fatal. */
import { ErrorCodes, errorByCode, KafkaError } from '@odradek/protocol'

export type EpochReaction =
  /** Ask again after a while. */
  | 'retry'
  /** Look for the coordinator, then ask again. */
  | 'findCoordinator'
  /** A heartbeat will say which epoch it is. */
  | 'beat'
  /** The group goes on without us: everything is lost, join again. */
  | 'lose'
  /** This group, or this broker, has no members of this protocol. */
  | 'decline'
  | 'fail'

const reactions: ReadonlyMap<number, EpochReaction> = new Map<number, EpochReaction>([
  [ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS, 'retry'],
  [ErrorCodes.COORDINATOR_NOT_AVAILABLE, 'findCoordinator'],
  [ErrorCodes.NOT_COORDINATOR, 'findCoordinator'],
  [ErrorCodes.STALE_MEMBER_EPOCH, 'beat'],
  [ErrorCodes.FENCED_MEMBER_EPOCH, 'lose'],
  [ErrorCodes.UNKNOWN_MEMBER_ID, 'lose'],
  [ErrorCodes.UNSUPPORTED_VERSION, 'decline'],
  [ErrorCodes.INCONSISTENT_GROUP_PROTOCOL, 'decline'],
  // A static member that crashed is forgotten after its session; until then its successor waits.
  [ErrorCodes.UNRELEASED_INSTANCE_ID, 'retry'],
])

/** `epoch` of the request: a group that is not there may be one of another protocol, or one that was there a moment ago. */
export function epochReaction(code: number, epoch: number): EpochReaction {
  if (code === ErrorCodes.GROUP_ID_NOT_FOUND) return epoch > 0 ? 'lose' : 'decline'
  return reactions.get(code) ?? (errorByCode(code).retriable ? 'retry' : 'fail')
}

/** Something thrown that is no error code. A connection that broke says nothing about the membership, but the coordinator may have moved. */
export function epochReactionToError(error: unknown): EpochReaction {
  return error instanceof KafkaError && error.retriable ? 'findCoordinator' : 'fail'
}
