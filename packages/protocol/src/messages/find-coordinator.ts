import { api } from '../api.ts'
import { array, between, int8, int16, int32, nullable, since, string, until } from '../schema.ts'

/** Which broker coordinates a group, a transactional id or a share group. Since version 4 many keys at once (KIP-699). */
export const FindCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexible: 3,
  request: {
    key: until(3, string, ''),
    keyType: since(1, int8, 0), // 0 group, 1 transaction, 2 share group
    coordinatorKeys: since(4, array(string), []),
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: until(3, int16, 0),
    errorMessage: between(1, 3, nullable(string), ''),
    nodeId: until(3, int32, 0),
    host: until(3, string, ''),
    port: until(3, int32, 0),
    coordinators: since(
      4,
      array({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: nullable(string),
      }),
      [],
    ),
  },
})
