import { data } from '../message.ts'
import { array, int8, int16, int32, int64, since, string, tagged, uuid } from '../schema.ts'

/**
 * The progress of share groups (`__share_group_state`, KIP-932), a key per group and partition: everything at once in a snapshot, or
 * what has changed since in an update.
 */

const sharePartition = { groupId: string, topicId: uuid, partition: int32 }
const stateBatches = array({
  firstOffset: int64,
  lastOffset: int64,
  deliveryState: int8, // 0 available, 2 acknowledged, 3 archiving (KIP-1191), 4 archived
  deliveryCount: int16,
})

export const ShareSnapshotKey = data({
  name: 'ShareSnapshotKey',
  versions: [0, 0],
  flexible: Infinity,
  fields: sharePartition,
})

export const ShareSnapshotValue = data({
  name: 'ShareSnapshotValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32,
    stateEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: tagged(0, since(0, int32, -1)), // KIP-1226: offsets from the start offset on that are done
    createTimestamp: int64,
    writeTimestamp: int64,
    stateBatches,
  },
})

export const ShareUpdateKey = data({
  name: 'ShareUpdateKey',
  versions: [1, 1],
  flexible: Infinity,
  fields: sharePartition,
})

export const ShareUpdateValue = data({
  name: 'ShareUpdateValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64, // -1: as it was
    deliveryCompleteCount: tagged(0, since(0, int32, -1)),
    stateBatches,
  },
})
