import { ConsumerProtocolSubscription, decodeCoordinatorRecord } from '@odradek/protocol'
import { type Group, metadataFor } from './group.ts'

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
