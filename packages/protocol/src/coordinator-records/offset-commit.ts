import { data } from '../message.ts'
import { between, int32, int64, noId, since, string, tagged, uuid } from '../schema.ts'

/** How far a group has read a partition (`__consumer_offsets`). A null value forgets the offset. */

/** Types 0 and 1 have the same fields; Kafka writes 1. */
export const OffsetCommitKey = data({
  name: 'OffsetCommitKey',
  versions: [0, 1],
  flexible: Infinity,
  fields: {
    group: string,
    topic: string,
    partition: int32,
  },
})

export const OffsetCommitValue = data({
  name: 'OffsetCommitValue',
  versions: [0, 4],
  flexible: 4,
  fields: {
    offset: int64,
    leaderEpoch: since(3, int32, -1), // KIP-320
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: between(1, 1, int64, -1), // only while a commit could say how long to keep it
    topicId: tagged(0, since(4, uuid, noId)), // KIP-848
  },
})
