import type { GroupRecordPart } from '../group-records.ts'
import { GroupsImage, type RecordedKind } from '../groups-image.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerRecord, consumerKeyTypes, decodeConsumerRecord, encodeConsumerRecord } from './consumer-record.ts'

const isForgotten = (group: ConsumerGroup): boolean =>
  group.epoch === 0 &&
  group.targetEpoch === 0 &&
  group.members.size === 0 &&
  group.targets.size === 0 &&
  group.regexes.size === 0

export function groupTombstones(group: ConsumerGroup): ConsumerRecord[] {
  const groupId = group.id
  const tombstone = { kind: 'consumer', groupId, value: null } as const
  const memberIds = new Set([...group.members.keys(), ...group.targets.keys()])
  return [
    ...Array.from(memberIds, memberId => memberTombstones(groupId, memberId)).flat(),
    ...Array.from(group.regexes.keys(), regex => ({ ...tombstone, type: 'regex', regex }) as const),
    { ...tombstone, type: 'target-epoch' },
    { ...tombstone, type: 'group' },
  ]
}

export function memberTombstones(groupId: string, memberId: string): ConsumerRecord[] {
  const tombstone = { kind: 'consumer', groupId, memberId, value: null } as const
  return [
    { ...tombstone, type: 'current' },
    { ...tombstone, type: 'target' },
    { ...tombstone, type: 'member' },
  ]
}

const recorded: RecordedKind<ConsumerGroup, ConsumerRecord> = {
  fresh: groupId => new ConsumerGroup(groupId),
  isForgotten,
  tombstones: groupTombstones,
}

/** Consumer groups among the records of `__consumer_offsets`. */
export const consumerPart: GroupRecordPart<ConsumerRecord, GroupsImage<ConsumerGroup, ConsumerRecord>> = {
  kind: 'consumer',
  keyTypes: consumerKeyTypes,
  encode: encodeConsumerRecord,
  decode: decodeConsumerRecord,
  freshImage: () => new GroupsImage(recorded),
}
