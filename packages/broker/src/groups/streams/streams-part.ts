import type { GroupRecordPart } from '../group-records.ts'
import { GroupsImage, type RecordedKind } from '../groups-image.ts'
import { StreamsGroup } from './streams-group.ts'
import { decodeStreamsRecord, encodeStreamsRecord, type StreamsRecord, streamsKeyTypes } from './streams-record.ts'

const isForgotten = ({ epoch, targetEpoch, topology, members, targets }: StreamsGroup): boolean =>
  epoch === 0 && targetEpoch === 0 && topology === null && members.size === 0 && targets.size === 0

export function streamsTombstones({ id: groupId, members, targets }: StreamsGroup): StreamsRecord[] {
  const tombstone = { kind: 'streams', groupId, value: null } as const
  const memberIds = new Set([...members.keys(), ...targets.keys()])
  return [
    ...Array.from(memberIds, memberId => streamsMemberTombstones(groupId, memberId)).flat(),
    { ...tombstone, type: 'target-epoch' },
    { ...tombstone, type: 'topology' },
    { ...tombstone, type: 'group' },
  ]
}

export function streamsMemberTombstones(groupId: string, memberId: string): StreamsRecord[] {
  const tombstone = { kind: 'streams', groupId, memberId, value: null } as const
  return [
    { ...tombstone, type: 'current' },
    { ...tombstone, type: 'target' },
    { ...tombstone, type: 'member' },
  ]
}

const recorded: RecordedKind<StreamsGroup, StreamsRecord> = {
  fresh: groupId => new StreamsGroup(groupId),
  isForgotten,
  tombstones: streamsTombstones,
}

/** Streams groups among the records of `__consumer_offsets`. */
export const streamsPart: GroupRecordPart<StreamsRecord, GroupsImage<StreamsGroup, StreamsRecord>> = {
  kind: 'streams',
  keyTypes: streamsKeyTypes,
  encode: encodeStreamsRecord,
  decode: decodeStreamsRecord,
  freshImage: () => new GroupsImage(recorded),
}
