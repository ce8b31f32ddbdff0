/**
 * The progress of share groups as records of `__share_group_state`: Kafka's ShareSnapshot, one for each group and partition. The topic is
 * compacted, and a snapshot says everything, so the last one counts. (Kafka also writes ShareUpdates, which lean on the snapshot before
 * them, and deletes what lies before; a snapshot of runs is hardly larger.)
 */
import type { Uuid } from '@odradek/log'
import {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  ShareSnapshotKey,
  ShareSnapshotValue,
} from '@odradek/protocol'
import type { Image, RecordKind } from '../coordinator-log/record-kind.ts'
import type { ShareSnapshot } from './share-snapshot.ts'

export interface SharePartitionName {
  readonly groupId: string
  readonly topicId: Uuid
  readonly index: number
}

/** A snapshot with what Kafka notes about it. */
export interface StoredProgress extends ShareSnapshot {
  /** Counts the snapshots. */
  readonly snapshotEpoch: number
  /** Rises when the start offset is set by hand. */
  readonly stateEpoch: number
  readonly leaderEpoch: number
  readonly createTimestamp: number
  readonly writeTimestamp: number
}

export interface ShareStateRecord {
  readonly name: SharePartitionName
  /** Null: nothing is kept any more. */
  readonly progress: StoredProgress | null
}

/** 'group:topic id in base64:partition', as Kafka spreads them and FindCoordinator asks for them. */
export function shareKey({ groupId, topicId, index }: SharePartitionName): string {
  return `${groupId}:${Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')}:${index}`
}

export const isShareKey = (key: string): boolean => /^.+:[\w-]{22}:\d{1,10}$/s.test(key)

const snapshotType = 0

export const shareStateKind: RecordKind<ShareStateRecord> = {
  encode({ name: { groupId, topicId, index: partition }, progress }) {
    const key = encodeCoordinatorRecord(ShareSnapshotKey, snapshotType, { groupId, topicId, partition })
    if (progress === null) return { key, value: null }
    const { batches, ...rest } = progress
    return { key, value: encodeCoordinatorRecord(ShareSnapshotValue, 0, { ...rest, stateBatches: batches }) }
  },
  decode(key, value) {
    if (coordinatorRecordType(key) !== snapshotType) return null
    const { groupId, topicId, partition: index } = decodeCoordinatorRecord(ShareSnapshotKey, key).value
    const name = { groupId, topicId, index }
    if (value === null) return { name, progress: null }
    const { stateBatches: batches, ...rest } = decodeCoordinatorRecord(ShareSnapshotValue, value).value
    return { name, progress: { ...rest, batches } }
  },
}

/** What is durable of all groups' progress, in one shard. */
export class ShareStateImage implements Image<ShareStateRecord> {
  readonly #byKey = new Map<string, { name: SharePartitionName; progress: StoredProgress }>()

  apply({ name, progress }: ShareStateRecord): void {
    if (progress) this.#byKey.set(shareKey(name), { name, progress })
    else this.#byKey.delete(shareKey(name))
  }

  progress(key: string): StoredProgress | undefined {
    return this.#byKey.get(key)?.progress
  }

  names(): Iterable<SharePartitionName> {
    return Array.from(this.#byKey.values(), ({ name }) => name)
  }
}
