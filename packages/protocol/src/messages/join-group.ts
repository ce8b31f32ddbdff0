import { api } from '../api.ts'
import { array, bool, bytes, int16, int32, nullable, preset, since, string } from '../schema.ts'

/**
 * A member enters a classic group, or enters it again after a rebalance began. Answered when all members are there; the leader
 * gets the list of them and assigns the partitions.
 */
export const JoinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexible: 6,
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: since(1, int32, -1), // KIP-62; before, the session timeout
    memberId: string,
    groupInstanceId: since(5, nullable(string), null), // static membership, KIP-345
    protocolType: string,
    protocols: array({ name: string, metadata: bytes }), // best first; the group takes one that all members have
    reason: since(8, nullable(string), null), // why the member joins (again), for the log, KIP-800
  },
  response: {
    throttleTimeMs: since(2, int32, 0),
    errorCode: int16,
    generationId: preset(int32, -1),
    protocolType: since(7, nullable(string), null),
    protocolName: nullable(string, 7),
    leader: string,
    skipAssignment: since(9, bool, false), // the leader need not assign anything, KIP-814
    memberId: string,
    // for the leader only
    members: array({
      memberId: string,
      groupInstanceId: since(5, nullable(string), null), // static membership, KIP-345
      metadata: bytes,
    }),
  },
})
