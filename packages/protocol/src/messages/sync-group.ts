import { api } from '../api.ts'
import { array, bytes, int16, int32, nullable, since, string } from '../schema.ts'

/** The leader of a classic group hands in the assignment it made; every member waits here for its part of it. */
export const SyncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullable(string), null), // static membership, KIP-345
    protocolType: since(5, nullable(string), null), // KIP-559
    protocolName: since(5, nullable(string), null),
    assignments: array({ memberId: string, assignment: bytes }), // from the leader only
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    protocolType: since(5, nullable(string), null), // KIP-559
    protocolName: since(5, nullable(string), null),
    assignment: bytes,
  },
})
