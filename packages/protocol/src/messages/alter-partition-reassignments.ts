import { api } from '../api.ts'
import { array, bool, int16, int32, nullable, preset, since, string } from '../schema.ts'

/** Moves partitions to other brokers, or cancels such moves (KIP-455). */
export const AlterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexible: 0,
  request: {
    timeoutMs: preset(int32, 60_000),
    allowReplicationFactorChange: since(1, bool, true), // KIP-860
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: preset(nullable(array(int32)), null), // null cancels a move
      }),
    }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    allowReplicationFactorChange: since(1, bool, true),
    errorCode: int16,
    errorMessage: nullable(string),
    responses: array({
      name: string,
      partitions: array({ partitionIndex: int32, errorCode: int16, errorMessage: nullable(string) }),
    }),
  },
})
