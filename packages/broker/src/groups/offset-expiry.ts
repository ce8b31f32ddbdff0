import { ConsumerProtocolSubscription, decodeCoordinatorRecord, type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { GroupOffsets, OffsetChange } from './committed-offset.ts'
import { type Group, metadataFor } from './group.ts'

/** The two ways in which offsets end before their group does: their time is over, or somebody deletes them. */

/**
 * Offsets whose time is over: in an Empty group, counted from when it became empty; in a group of consumers that works, for topics
 * nobody subscribes to any more, counted from the commit; in a group that never had members, counted from the commit.
 */
export function expiredOffsets(group: Group, offsets: GroupOffsets, retentionMs: number, now: number): OffsetChange[] {
  const countsFromCommit = group.protocolType === null || group.stateSince < 0
  const topicsInUse = group.state === 'Stable' && group.protocolType === 'consumer' ? subscribedTopics(group) : null
  if (group.state !== 'Empty' && topicsInUse === null) return []
  const expired: OffsetChange[] = []
  for (const [topic, partitions] of offsets) {
    if (topicsInUse?.has(topic)) continue
    for (const [partition, { commitTimestamp, expireTimestamp }] of partitions) {
      const from = countsFromCommit || topicsInUse ? commitTimestamp : Math.max(group.stateSince, commitTimestamp)
      const until = expireTimestamp >= 0 ? expireTimestamp : from + retentionMs
      if (until <= now) expired.push({ topic, partition, committed: null })
    }
  }
  return expired
}

export interface Place {
  readonly topic: string
  readonly partition: number
}

export interface OffsetRemoval {
  readonly error: ErrorCode
  /** Topics whose offsets stay because members subscribe to them. */
  readonly subscribed: ReadonlySet<string>
  readonly changes: readonly OffsetChange[]
}

/** Which of the `wanted` offsets of a group may be deleted: those of topics nobody subscribes to. */
export function offsetRemoval(
  group: Group | undefined,
  offsets: GroupOffsets,
  wanted: readonly Place[],
): OffsetRemoval {
  const refused = (error: ErrorCode): OffsetRemoval => ({ error, subscribed: new Set(), changes: [] })
  if (group === undefined || group.state === 'Dead') return refused(ErrorCodes.GROUP_ID_NOT_FOUND)
  if (group.state !== 'Empty' && group.protocolType !== 'consumer') return refused(ErrorCodes.NON_EMPTY_GROUP)
  // Members that say something unreadable may subscribe to everything.
  const subscribed = subscribedTopics(group) ?? new Set(wanted.map(({ topic }) => topic))
  const changes = wanted
    .filter(({ topic, partition }) => !subscribed.has(topic) && offsets.get(topic)?.has(partition))
    .map(place => ({ ...place, committed: null }))
  return { error: ErrorCodes.NONE, subscribed, changes }
}

/**
 * The topics members of a consumer group subscribe to, by what they say in Kafka's own consumer protocol; null when a member says
 * something else. The only place that looks into a member's bytes, and it changes nothing.
 */
export function subscribedTopics(group: Group): ReadonlySet<string> | null {
  const topics = new Set<string>()
  for (const member of group.members.values()) {
    try {
      const subscription = decodeCoordinatorRecord(
        ConsumerProtocolSubscription,
        metadataFor(member, group.protocolName),
      )
      for (const topic of subscription.value.topics) topics.add(topic)
    } catch {
      return null
    }
  }
  return topics
}
