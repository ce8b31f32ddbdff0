import { api } from '../api.ts'
import { array, int8, int16, int32, nullable, preset, since, string } from '../schema.ts'

/** Elects the preferred replica of partitions, or any that is left, as their leader (KIP-460). */
export const ElectLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexible: 2,
  request: {
    electionType: since(1, int8, 0), // 0 the preferred replica, 1 any
    topicPartitions: nullable(array({ topic: string, partitions: array(int32) })),
    timeoutMs: preset(int32, 60_000),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: since(1, int16, 0),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({ partitionId: int32, errorCode: int16, errorMessage: nullable(string) }),
    }),
  },
})
