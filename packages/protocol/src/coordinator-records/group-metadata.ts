import { data } from '../message.ts'
import { array, bytes, int32, int64, nullable, since, string } from '../schema.ts'

/** A classic group with its members (`__consumer_offsets`), written at the end of each rebalance. A null value deletes the group. */

const memberMetadata = {
  memberId: string,
  groupInstanceId: since(3, nullable(string), null), // static membership, KIP-345
  clientId: string,
  clientHost: string,
  rebalanceTimeout: since(1, int32, -1),
  sessionTimeout: int32,
  subscription: bytes,
  assignment: bytes,
}

export const GroupMetadataKey = data({
  name: 'GroupMetadataKey',
  versions: [2, 2],
  flexible: Infinity,
  fields: {
    group: string,
  },
})

export const GroupMetadataValue = data({
  name: 'GroupMetadataValue',
  versions: [0, 4],
  flexible: 4,
  fields: {
    protocolType: string,
    generation: int32,
    protocol: nullable(string),
    leader: nullable(string),
    currentStateTimestamp: since(2, int64, -1),
    members: array(memberMetadata),
  },
})
