/**
 * Classic groups as records of `__consumer_offsets`, in Kafka's own schemas:
 *
 *     key    int16 type (2), then the fields of GroupMetadataKey
 *     value  int16 version, then the fields of GroupMetadataValue; null forgets the group
 *
 * Values are written in version 3, the newest that every tool in use reads.
 */
import {
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  GroupMetadataKey,
  GroupMetadataValue,
} from '@odradek/protocol'
import type { GroupRecord, GroupRecordPart, PartImage } from '../group-records.ts'
import type { StoredGroup, StoredMember } from './stored-group.ts'

const keyVersion = 2
const valueVersion = 3

export interface ClassicRecord extends GroupRecord {
  readonly kind: 'classic'
  /** Null: it is no more. */
  readonly group: StoredGroup | null
}

export const classicRecord = (group: StoredGroup): ClassicRecord => ({ kind: 'classic', groupId: group.id, group })
export const classicTombstone = (groupId: string): ClassicRecord => ({ kind: 'classic', groupId, group: null })

/** The classic groups of a shard. */
export class ClassicImage implements PartImage<ClassicRecord> {
  readonly #groups = new Map<string, StoredGroup>()

  apply({ groupId, group }: ClassicRecord): void {
    if (group) this.#groups.set(groupId, group)
    else this.#groups.delete(groupId)
  }

  groups(): Iterable<StoredGroup> {
    return this.#groups.values()
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  removal(groupId: string): readonly ClassicRecord[] {
    return this.#groups.has(groupId) ? [classicTombstone(groupId)] : []
  }
}

export const classicPart: GroupRecordPart<ClassicRecord, ClassicImage> = {
  kind: 'classic',
  keyTypes: [keyVersion],
  encode: ({ groupId, group }) => ({
    key: encodeCoordinatorRecord(GroupMetadataKey, keyVersion, { group: groupId }),
    value: group && encodedGroup(group),
  }),
  decode(key, value) {
    const { group: groupId } = decodeCoordinatorRecord(GroupMetadataKey, key).value
    return { kind: 'classic', groupId, group: value && decodedGroup(groupId, value) }
  },
  freshImage: () => new ClassicImage(),
}

function encodedGroup(group: StoredGroup): Uint8Array {
  return encodeCoordinatorRecord(GroupMetadataValue, valueVersion, {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: group.protocolName,
    leader: group.leader,
    currentStateTimestamp: group.stateSince,
    members: group.members.map(member => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  })
}

function decodedGroup(id: string, value: Uint8Array): StoredGroup {
  const stored = decodeCoordinatorRecord(GroupMetadataValue, value).value
  const members = stored.members.map(
    (member): StoredMember => ({
      id: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 knew no rebalance timeout.
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: member.subscription.slice(),
      assignment: member.assignment.slice(),
    }),
  )
  return {
    id,
    protocolType: stored.protocolType || null,
    generation: stored.generation,
    protocolName: stored.protocol,
    leader: stored.leader,
    stateSince: stored.currentStateTimestamp,
    members,
  }
}
