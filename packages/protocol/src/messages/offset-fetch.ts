import { api } from '../api.ts'
import {
  array,
  between,
  bool,
  int16,
  int32,
  int64,
  noId,
  nullable,
  preset,
  since,
  string,
  until,
  uuid,
} from '../schema.ts'

/** How far groups have read. Up to version 7 one group at a time, since version 8 many (KIP-709). */
export const OffsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexible: 6,
  request: {
    groupId: until(7, string, ''),
    topics: until(7, nullable(array({ name: string, partitionIndexes: array(int32) }), 2), []), // null: all topics
    groups: since(
      8,
      array({
        groupId: string,
        memberId: since(9, nullable(string), null), // KIP-848
        memberEpoch: since(9, int32, -1),
        // null: all topics
        topics: nullable(
          array({
            name: until(9, string, ''),
            topicId: since(10, uuid, noId),
            partitionIndexes: array(int32),
          }),
        ),
      }),
      [],
    ),
    requireStable: since(7, bool, false), // refuse offsets that a transaction may still change, KIP-447
  },
  response: {
    throttleTimeMs: since(3, int32, 0),
    topics: until(
      7,
      array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: since(5, int32, -1), // KIP-320
          metadata: nullable(string),
          errorCode: int16,
        }),
      }),
      [],
    ),
    errorCode: between(2, 7, int16, 0),
    groups: since(
      8,
      array({
        groupId: string,
        topics: array({
          name: until(9, string, ''),
          topicId: since(10, uuid, noId),
          partitions: array({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: preset(int32, -1), // KIP-320
            metadata: nullable(string),
            errorCode: int16,
          }),
        }),
        errorCode: preset(int16, 0),
      }),
      [],
    ),
  },
})
