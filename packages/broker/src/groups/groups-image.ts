import type { GroupRecord, PartImage } from './group-records.ts'

/** A group that its records alone make. */
export interface RecordedGroup<R> {
  readonly id: string
  apply(record: R): void
}

/** What is particular to a kind of group. */
export interface RecordedKind<G, R> {
  fresh(groupId: string): G
  /** Nothing is left of it. What every group has is an epoch; one of which other records remain is whole again when it comes. */
  isForgotten(group: G): boolean
  /** Records that forget a group: everything it has a key for. */
  tombstones(group: G): readonly R[]
}

/** The groups of one kind in a shard of `__consumer_offsets`, as far as they are durable. */
export class GroupsImage<G extends RecordedGroup<R>, R extends GroupRecord & { readonly value: unknown }>
  implements PartImage<R>
{
  readonly #kind: RecordedKind<G, R>
  readonly #groups = new Map<string, G>()

  constructor(kind: RecordedKind<G, R>) {
    this.#kind = kind
  }

  apply(record: R): void {
    const { groupId } = record
    const group = this.#groups.get(groupId)
    if (group) {
      group.apply(record)
      if (this.#kind.isForgotten(group)) this.#groups.delete(groupId)
    } else if (record.value !== null) {
      const created = this.#kind.fresh(groupId)
      created.apply(record)
      this.#groups.set(groupId, created)
    }
  }

  group(groupId: string): G | undefined {
    return this.#groups.get(groupId)
  }

  groups(): Iterable<G> {
    return this.#groups.values()
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  removal(groupId: string): readonly R[] {
    const group = this.#groups.get(groupId)
    return group ? this.#kind.tombstones(group) : []
  }
}
