/** What the fetcher does about a partition's error code. What is not listed is retried if it is retriable, else fatal. */
import { ErrorCodes, errorByCode } from '@odradek/protocol'

export type FetchReaction =
  /** The leader or the topic has moved: refresh the metadata, then fetch again. */
  | 'refresh'
  /** Fetch again after a pause. */
  | 'retry'
  /** The position has been deleted, or was never there: go to where `from` says. */
  | 'reset'
  | 'fail'

const reactions: ReadonlyMap<number, FetchReaction> = new Map<number, FetchReaction>([
  [ErrorCodes.OFFSET_OUT_OF_RANGE, 'reset'],
  [ErrorCodes.NOT_LEADER_OR_FOLLOWER, 'refresh'],
  [ErrorCodes.REPLICA_NOT_AVAILABLE, 'refresh'],
  [ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'refresh'],
  [ErrorCodes.UNKNOWN_TOPIC_ID, 'refresh'],
  [ErrorCodes.INCONSISTENT_TOPIC_ID, 'refresh'],
  [ErrorCodes.FENCED_LEADER_EPOCH, 'refresh'],
  [ErrorCodes.OFFSET_NOT_AVAILABLE, 'refresh'],
  [ErrorCodes.KAFKA_STORAGE_ERROR, 'refresh'],
  // The broker has not heard of the epoch yet that we know of: it will.
  [ErrorCodes.UNKNOWN_LEADER_EPOCH, 'retry'],
  [ErrorCodes.UNKNOWN_SERVER_ERROR, 'retry'],
])

export function fetchReaction(code: number): FetchReaction {
  const known = reactions.get(code)
  if (known !== undefined) return known
  const { retriable, refreshMetadata } = errorByCode(code)
  return refreshMetadata ? 'refresh' : retriable ? 'retry' : 'fail'
}
