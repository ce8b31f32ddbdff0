import type { ErrorCode } from '@odradek/protocol'
import type { GroupOffsets, OffsetChange } from './committed-offset.ts'
import type { StoredGroup } from './stored-group.ts'

/**
 * Where groups and their offsets outlive the process. Writes are answered when they are durable, take effect in the order they were
 * asked for, and are all or nothing each. What was not acknowledged may still turn up after a crash.
 *
 * The embedded engine keeps them in the log (log-group-store.ts). A store that several processes share would take a lease per group
 * of groups and fence every write with its epoch; that is its own affair, `load` then returns what it has the lease for.
 */
export interface GroupStore {
  /** Every group, also those that only have offsets. Comes before anything else. */
  load(): Promise<StoredGroup[]>
  /** False: what was stored of this group could not be read, and nothing may be said about it, least of all that there is nothing. */
  isReadable(groupId: string): boolean
  save(group: StoredGroup): Promise<ErrorCode>
  /** Forgets the group and its offsets. */
  remove(groupId: string): Promise<ErrorCode>
  putOffsets(groupId: string, changes: readonly OffsetChange[]): Promise<ErrorCode>
  /** What is durable. */
  getOffsets(groupId: string): Promise<GroupOffsets>
}
