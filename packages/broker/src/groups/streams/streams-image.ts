import type { GroupRecordPart, PartImage } from '../group-records.ts'
import { StreamsGroup } from './streams-group.ts'
import { decodeStreamsRecord, encodeStreamsRecord, type StreamsRecord, streamsKeyTypes } from './streams-record.ts'

/** The streams groups of a shard of `__consumer_offsets`, as far as they are durable. */
export class StreamsImage implements PartImage<StreamsRecord> {
  readonly #groups = new Map<string, StreamsGroup>()

  apply(record: StreamsRecord): void {
    const { groupId } = record
    const group = this.#groups.get(groupId)
    if (group) {
      group.apply(record)
      if (isForgotten(group)) this.#groups.delete(groupId)
    } else if (record.value !== null) {
      const created = new StreamsGroup(groupId)
      created.apply(record)
      this.#groups.set(groupId, created)
    }
  }

  group(groupId: string): StreamsGroup | undefined {
    return this.#groups.get(groupId)
  }

  groups(): Iterable<StreamsGroup> {
    return this.#groups.values()
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  removal(groupId: string): readonly StreamsRecord[] {
    const group = this.#groups.get(groupId)
    return group ? streamsTombstones(group) : []
  }
}

const isForgotten = ({ epoch, targetEpoch, topology, members, targets }: StreamsGroup): boolean =>
  epoch === 0 && targetEpoch === 0 && topology === null && members.size === 0 && targets.size === 0

/** Records that forget a group: everything it has a key for. */
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

export const streamsPart: GroupRecordPart<StreamsRecord, StreamsImage> = {
  kind: 'streams',
  keyTypes: streamsKeyTypes,
  encode: encodeStreamsRecord,
  decode: decodeStreamsRecord,
  freshImage: () => new StreamsImage(),
}
