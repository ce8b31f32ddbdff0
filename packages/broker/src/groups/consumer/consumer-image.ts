import type { GroupRecordPart, PartImage } from '../group-records.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerRecord, consumerKeyTypes, decodeConsumerRecord, encodeConsumerRecord } from './consumer-record.ts'

/** The consumer groups of a shard of `__consumer_offsets`, as far as they are durable. */
export class ConsumerImage implements PartImage<ConsumerRecord> {
  readonly #groups = new Map<string, ConsumerGroup>()

  apply(record: ConsumerRecord): void {
    const { groupId } = record
    const group = this.#groups.get(groupId)
    if (group) {
      group.apply(record)
      if (isForgotten(group)) this.#groups.delete(groupId)
    } else if (record.value !== null) {
      const created = new ConsumerGroup(groupId)
      created.apply(record)
      this.#groups.set(groupId, created)
    }
  }

  group(groupId: string): ConsumerGroup | undefined {
    return this.#groups.get(groupId)
  }

  groups(): Iterable<ConsumerGroup> {
    return this.#groups.values()
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  removal(groupId: string): readonly ConsumerRecord[] {
    const group = this.#groups.get(groupId)
    return group ? groupTombstones(group) : []
  }
}

/** What every group of this kind has is an epoch; one of which other records remain is whole again when it comes. */
const isForgotten = (group: ConsumerGroup): boolean =>
  group.epoch === 0 &&
  group.targetEpoch === 0 &&
  group.members.size === 0 &&
  group.targets.size === 0 &&
  group.regexes.size === 0

/** Records that forget a group: everything it has a key for. */
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

export const consumerPart: GroupRecordPart<ConsumerRecord, ConsumerImage> = {
  kind: 'consumer',
  keyTypes: consumerKeyTypes,
  encode: encodeConsumerRecord,
  decode: decodeConsumerRecord,
  freshImage: () => new ConsumerImage(),
}
