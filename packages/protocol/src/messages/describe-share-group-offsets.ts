import { api } from '../api.ts'
import { array, int16, int32, int64, nullable, preset, since, string, uuid } from '../schema.ts'

/** The start offsets of share groups (KIP-932). */
export const DescribeShareGroupOffsets = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: [0, 1],
  flexible: 0,
  request: {
    groups: array({
      groupId: string,
      topics: nullable(array({ topicName: string, partitions: array(int32) })),
    }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    groups: array({
      groupId: string,
      topics: array({
        topicName: string,
        topicId: uuid,
        partitions: array({
          partitionIndex: int32,
          startOffset: int64,
          leaderEpoch: int32,
          lag: since(1, int64, -1),
          errorCode: int16,
          errorMessage: preset(nullable(string), null),
        }),
      }),
      errorCode: int16,
      errorMessage: preset(nullable(string), null),
    }),
  },
})
