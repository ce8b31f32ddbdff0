import type { Uuid } from '@odradek/log'
import type { PartImage } from '../group-records.ts'
import {
  type Assignment,
  type KeptTopic,
  type MemberInfo,
  type MemberProgress,
  nothingAssigned,
  type ShareGroup,
  type ShareMember,
} from './share-group.ts'
import type { ShareRecord } from './share-records.ts'

/** The records of one group by their keys, in whatever order they came. */
class Pieces {
  group: { epoch: number; metadataHash: bigint } | null = null
  targetEpoch: { epoch: number } | null = null
  kept: ReadonlyMap<Uuid, KeptTopic> | null = null
  readonly member = new Map<string, MemberInfo>()
  readonly target = new Map<string, Assignment>()
  readonly progress = new Map<string, MemberProgress>()
  /** Put together when somebody looks. */
  whole: ShareGroup | null = null

  get isEmpty(): boolean {
    const { group, targetEpoch, kept, member, target, progress } = this
    return !group && !targetEpoch && !kept && member.size + target.size + progress.size === 0
  }
}

const neverTold: MemberProgress = { epoch: 0, previousEpoch: -1, assigned: nothingAssigned }

/** The share groups of a shard of `__consumer_offsets`. */
export class ShareImage implements PartImage<ShareRecord> {
  readonly #groups = new Map<string, Pieces>()

  apply(record: ShareRecord): void {
    const { groupId } = record
    let pieces = this.#groups.get(groupId)
    if (!pieces) this.#groups.set(groupId, (pieces = new Pieces()))
    pieces.whole = null
    if ('memberId' in record) put(pieces[record.about] as Map<string, unknown>, record.memberId, record.value)
    else Object.assign(pieces, { [record.about]: record.value })
    if (pieces.isEmpty) this.#groups.delete(groupId)
  }

  /** Undefined unless it has an epoch: what is left of it then is of no group. */
  group(groupId: string): ShareGroup | undefined {
    const pieces = this.#groups.get(groupId)
    return pieces?.group ? (pieces.whole ??= whole(groupId, pieces)) : undefined
  }

  *groupIds(): Iterable<string> {
    for (const [groupId, { group }] of this.#groups) if (group) yield groupId
  }

  removal(groupId: string): readonly ShareRecord[] {
    const pieces = this.#groups.get(groupId)
    if (!pieces) return []
    const about = { kind: 'share', groupId, value: null } as const
    const records: ShareRecord[] = []
    for (const name of ['progress', 'target', 'member'] as const)
      for (const memberId of pieces[name].keys()) records.push({ ...about, about: name, memberId })
    for (const name of ['targetEpoch', 'kept', 'group'] as const)
      if (pieces[name]) records.push({ ...about, about: name })
    return records
  }
}

function put(map: Map<string, unknown>, key: string, value: unknown): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

function whole(id: string, { group, targetEpoch, kept, member, target, progress }: Pieces): ShareGroup {
  const members = new Map<string, ShareMember>()
  for (const [memberId, info] of member) {
    const told = progress.get(memberId) ?? neverTold
    members.set(memberId, { id: memberId, ...info, ...told, target: target.get(memberId) ?? nothingAssigned })
  }
  return { id, ...group!, assignmentEpoch: targetEpoch?.epoch ?? 0, members, kept: kept ?? new Map() }
}
