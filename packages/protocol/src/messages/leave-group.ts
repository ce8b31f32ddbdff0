import { api } from '../api.ts'
import { array, int16, int32, nullable, preset, since, string, until } from '../schema.ts'

/** Members leave a group for good, so that nobody waits for their session to end. Since version 3 many at once. */
export const LeaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    memberId: until(2, string, ''),
    members: since(
      3,
      array({
        memberId: string,
        groupInstanceId: preset(nullable(string), null), // static membership, KIP-345
        reason: since(5, nullable(string), null), // KIP-800
      }),
      [],
    ),
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    members: since(3, array({ memberId: string, groupInstanceId: nullable(string), errorCode: int16 }), []),
  },
})
