import { DeleteGroups, ErrorCodes } from '@odradek/protocol'
import { coordinationError } from '../groups/coordination.ts'
import type { Handler } from '../handler.ts'

/** Removes groups without members, and their offsets. */
export const deleteGroups: Handler<typeof DeleteGroups> = {
  api: DeleteGroups,
  async handle(request, context) {
    const deleted = request.groupsNames.map(async groupId => {
      const refused = coordinationError(groupId, context)
      return { groupId, errorCode: refused === ErrorCodes.NONE ? await context.broker.groups.delete(groupId) : refused }
    })
    return { results: await Promise.all(deleted) }
  },
}
