/** Subscriptions and assignments as members of the classic protocol tell each other, which the coordinator otherwise never looks into. */
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeConsumerProtocol,
  encodeConsumerProtocol,
} from '@odradek/protocol'
import { addTo, nowhere, type Places, type TopicPartitions } from '../topic-partitions.ts'
import type { TopicsView } from '../topics-view.ts'

export interface ClassicSubscription {
  readonly version: number
  readonly topicNames: readonly string[]
  readonly rackId: string | null
  readonly owned: TopicPartitions
}

interface NamedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Throws a DecodeError. */
export function readSubscription(metadata: Uint8Array, topics: TopicsView): ClassicSubscription {
  const { version, value } = decodeConsumerProtocol(ConsumerProtocolSubscription, metadata)
  return {
    version,
    topicNames: [...new Set(value.topics)].sort(),
    rackId: value.rackId,
    owned: withIds(value.ownedPartitions, topics),
  }
}

/** Throws a DecodeError. Null for what an assignor of its own has added something to, which would be lost. */
export function readAssignment(bytes: Uint8Array, topics: TopicsView): TopicPartitions | null {
  if (bytes.length === 0) return nowhere
  const { value } = decodeConsumerProtocol(ConsumerProtocolAssignment, bytes)
  return value.userData !== null && value.userData.length > 0 ? null : withIds(value.assignedPartitions, topics)
}

/** In the version of the member's subscription, so that it can read it. */
export function writeAssignment(places: Places, metadata: Uint8Array, topics: TopicsView): Uint8Array {
  const { version } = decodeConsumerProtocol(ConsumerProtocolSubscription, metadata)
  const assignedPartitions = []
  for (const [topicId, partitions] of places) {
    const topic = topics.withId(topicId)
    if (topic) assignedPartitions.push({ topic: topic.name, partitions: [...partitions.keys()].sort((a, b) => a - b) })
  }
  const known = Math.min(version, ConsumerProtocolAssignment.versions[1])
  return encodeConsumerProtocol(ConsumerProtocolAssignment, known, { assignedPartitions, userData: null })
}

function withIds(named: readonly NamedPartitions[], topics: TopicsView): TopicPartitions {
  const places = new Map<string, Set<number>>()
  for (const { topic, partitions } of named) {
    const id = topics.named(topic)?.id
    if (id !== undefined) for (const partition of partitions) addTo(places, id, partition)
  }
  return places
}
