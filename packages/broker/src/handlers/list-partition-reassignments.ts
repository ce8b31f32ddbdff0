import { ErrorCodes, ListPartitionReassignments } from '@odradek/protocol'
import type { Handler } from '../handler.ts'

/** The moves of partitions under way: none, ever, since there is one copy of each. Consoles ask all the same. */
export const listPartitionReassignments: Handler<typeof ListPartitionReassignments> = {
  api: ListPartitionReassignments,
  handle: () => ({ errorCode: ErrorCodes.NONE, errorMessage: null, topics: [] }),
}
