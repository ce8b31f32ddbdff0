import { api } from '../api.ts'
import { array, int16, int32, int64, noId, nullable, preset, since, string, until, uuid } from '../schema.ts'

/** Stores how far a group has read. */
export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexible: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: preset(int32, -1), // -1: not a member, just committing
    memberId: string,
    groupInstanceId: since(7, nullable(string), null), // static membership, KIP-345
    retentionTimeMs: until(4, int64, -1), // -1: the broker's offsets.retention.minutes, KIP-211
    topics: array({
      name: until(9, string, ''),
      topicId: since(10, uuid, noId), // KIP-848
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(6, int32, -1), // KIP-320
        committedMetadata: nullable(string),
      }),
    }),
  },
  response: {
    throttleTimeMs: since(3, int32, 0),
    topics: array({
      name: until(9, string, ''),
      topicId: since(10, uuid, noId), // KIP-848
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})
