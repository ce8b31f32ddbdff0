import { data, decodeVersioned, encodeVersioned, type Message, type Versioned } from './message.ts'
import { array, bytes, type Encodable, type Fields, int32, nullable, preset, since, string } from './schema.ts'

/**
 * What members of a classic group tell each other through the coordinator, which never looks inside: the subscription a member
 * brings to JoinGroup, and the assignment the leader makes of them all.
 *
 *     version int16 │ fields
 */
const topicPartition = {
  topic: string,
  partitions: array(int32),
}

export const ConsumerProtocolSubscription = data({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  flexible: Infinity,
  fields: {
    topics: array(string),
    userData: preset(nullable(bytes), null), // the assignor's own
    ownedPartitions: since(1, array(topicPartition), []), // for cooperative rebalancing, KIP-429
    generationId: since(2, int32, -1), // whose word on ownedPartitions is newest, KIP-792
    rackId: since(3, nullable(string), null), // KIP-881
  },
})

export const ConsumerProtocolAssignment = data({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  flexible: Infinity,
  fields: {
    assignedPartitions: array(topicPartition),
    userData: preset(nullable(bytes), null),
  },
})

export function encodeConsumerProtocol<F extends Fields>(
  table: Message<F>,
  version: number,
  value: Encodable<F>,
): Uint8Array {
  return encodeVersioned(table, version, value)
}

/** Later versions only add fields at the end, so one from the future is read as the newest known. */
export function decodeConsumerProtocol<F extends Fields>(table: Message<F>, encoded: Uint8Array): Versioned<F> {
  return decodeVersioned(table, encoded, version => Math.min(version, table.versions[1]))
}
