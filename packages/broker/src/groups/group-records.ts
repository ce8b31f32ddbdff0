import { coordinatorRecordType, type RecordInput } from '@odradek/protocol'
import type { RecordKind } from '../coordinator-log/record-kind.ts'

/** A record of `__consumer_offsets`, as memory takes it. Each kind of group adds fields of its own. */
export interface GroupRecord {
  readonly kind: GroupRecordKind
  readonly groupId: string
}

export type GroupRecordKind = 'offset' | 'classic' | 'consumer' | 'share' | 'streams'

/**
 * The records of one kind of group (or of committed offsets, which all kinds share): how they look as bytes, and what they add up to.
 * `R` is what they are in memory.
 */
export interface GroupRecordPart<R extends GroupRecord, I extends PartImage<R>> {
  readonly kind: R['kind']
  /** The types of its keys: the int16 that every key begins with. */
  readonly keyTypes: readonly number[]
  encode(record: R): RecordInput
  /** Throws a DecodeError for bytes that are damaged. What is kept of them must be copied. */
  decode(key: Uint8Array, value: Uint8Array | null): R
  freshImage(): I
}

/** What the records of one kind add up to, in one shard. See `Image` for what `apply` may rely on. */
export interface PartImage<R extends GroupRecord> {
  apply(record: R, offset: number): void
  groupIds(): Iterable<string>
  /** Records that forget all there is of a group. */
  removal(groupId: string): readonly R[]
}

export type AnyPart = GroupRecordPart<GroupRecord, PartImage<GroupRecord>>

/** All parts as one kind of record. */
export function groupRecords(parts: readonly AnyPart[]): RecordKind<GroupRecord> {
  const byKind = new Map(parts.map(part => [part.kind, part]))
  const byKeyType = new Map(parts.flatMap(part => part.keyTypes.map(type => [type, part] as const)))
  return {
    encode: record => byKind.get(record.kind)!.encode(record),
    decode: (key, value) => byKeyType.get(coordinatorRecordType(key))?.decode(key, value) ?? null,
  }
}
