import { api } from '../api.ts'
import { int16, int32, nullable, since, string } from '../schema.ts'

/** A member says it is alive; the coordinator answers whether the group is rebalancing. */
export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullable(string), null), // static membership, KIP-345
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
  },
})
