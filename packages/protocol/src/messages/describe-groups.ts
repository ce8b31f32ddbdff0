import { api } from '../api.ts'
import { array, bool, bytes, int16, int32, nullable, since, string } from '../schema.ts'

/** State, protocol and members of classic groups. */
export const DescribeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexible: 5,
  request: {
    groups: array(string),
    includeAuthorizedOperations: since(3, bool, false), // KIP-430
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    groups: array({
      errorCode: int16,
      errorMessage: since(6, nullable(string), null),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: since(4, nullable(string), null), // static membership, KIP-345
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: since(3, int32, -0x8000_0000), // the minimum of int32 when not asked for, KIP-430
    }),
  },
})
