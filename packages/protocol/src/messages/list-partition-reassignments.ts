import { api } from '../api.ts'
import { array, int16, int32, nullable, preset, string } from '../schema.ts'

/** The moves of partitions under way (KIP-455). */
export const ListPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexible: 0,
  request: {
    timeoutMs: preset(int32, 60_000),
    topics: preset(nullable(array({ name: string, partitionIndexes: array(int32) })), null),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: nullable(string),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: array(int32),
        addingReplicas: array(int32),
        removingReplicas: array(int32),
      }),
    }),
  },
})
