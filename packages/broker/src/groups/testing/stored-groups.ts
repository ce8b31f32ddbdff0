import type { ErrorCode } from '@odradek/protocol'
import { classicPart, classicRecord } from '../classic/classic-records.ts'
import type { StoredGroup } from '../classic/stored-group.ts'
import type { GroupOffsets, OffsetChange } from '../committed-offset.ts'
import type { GroupLog } from '../group-log.ts'
import { offsetRecords } from '../groups.ts'

/** What `__consumer_offsets` holds of classic groups and offsets, written and read directly. */
export class StoredGroups {
  readonly #log: GroupLog

  constructor(log: GroupLog) {
    this.#log = log
  }

  groups(): StoredGroup[] {
    return [...this.#log.images()].flatMap(image => [...image.of(classicPart).groups()])
  }

  save(group: StoredGroup): Promise<ErrorCode> {
    return this.#log.write(group.id, [classicRecord(group)])
  }

  remove(groupId: string): Promise<ErrorCode> {
    return this.#log.write(groupId, image => image.removal(groupId))
  }

  putOffsets(groupId: string, changes: readonly OffsetChange[]): Promise<ErrorCode> {
    return this.#log.write(groupId, offsetRecords(groupId, changes))
  }

  getOffsets(groupId: string): GroupOffsets {
    return this.#log.image(groupId).offsets.offsets(groupId)
  }
}
