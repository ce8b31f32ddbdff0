import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { GroupOffsets, OffsetChange, Place } from './committed-offset.ts'
import type { CoordinatedGroup } from './group-types.ts'

/** The two ways in which offsets end before their group does: their time is over, or somebody deletes them. */

/** Offsets whose time is over, of topics that no member subscribes to. What `isPending` is about to be committed anew. */
export function expiredOffsets(
  group: CoordinatedGroup,
  offsets: GroupOffsets,
  o: { retentionMs: number; now: number; isPending: (topic: string, partition: number) => boolean },
): OffsetChange[] {
  const expired: OffsetChange[] = []
  for (const [topic, partitions] of offsets) {
    if (group.isSubscribedTo(topic)) continue
    for (const [partition, committed] of partitions) {
      const from = group.retainedFrom(committed)
      if (from === null) continue
      const until = committed.expireTimestamp >= 0 ? committed.expireTimestamp : from + o.retentionMs
      if (until <= o.now && !o.isPending(topic, partition)) expired.push({ topic, partition, committed: null })
    }
  }
  return expired
}

export interface OffsetRemoval {
  readonly error: ErrorCode
  /** Topics whose offsets stay because members subscribe to them. */
  readonly subscribed: ReadonlySet<string>
  readonly changes: readonly OffsetChange[]
}

/** Which of the `wanted` offsets of a group may be deleted: those of topics nobody subscribes to. */
export function offsetRemoval(
  group: CoordinatedGroup | undefined,
  wanted: readonly Place[],
  isThere: (place: Place) => boolean,
): OffsetRemoval {
  const error = group?.admitOffsetDelete() ?? ErrorCodes.GROUP_ID_NOT_FOUND
  if (error !== ErrorCodes.NONE) return { error, subscribed: new Set(), changes: [] }
  const subscribed = new Set(wanted.map(({ topic }) => topic).filter(topic => group!.isSubscribedTo(topic)))
  const changes = wanted
    .filter(place => !subscribed.has(place.topic) && isThere(place))
    .map(({ topic, partition }) => ({ topic, partition, committed: null }))
  return { error, subscribed, changes }
}
