import { ErrorCodes, ListGroups } from '@odradek/protocol'
import type { Handler } from '../handler.ts'

/** All groups here are of the classic protocol. */
const groupType = 'classic'

/** The groups this node coordinates. */
export const listGroups: Handler<typeof ListGroups> = {
  api: ListGroups,
  handle({ statesFilter, typesFilter }, { broker, nodeId }) {
    if (!broker.groups.isLoaded) return { errorCode: ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS, groups: [] }
    const states = new Set(statesFilter.map(state => state.toLowerCase()))
    const types = new Set(typesFilter.map(type => type.toLowerCase()))
    if (types.size > 0 && !types.has(groupType)) return { errorCode: ErrorCodes.NONE, groups: [] }
    const groups = [...broker.groups.all()]
      .filter(
        group =>
          broker.coordinatorOf(group.id) === nodeId && (states.size === 0 || states.has(group.state.toLowerCase())),
      )
      .map(group => ({ groupId: group.id, protocolType: group.protocolType ?? '', groupState: group.state, groupType }))
    return { errorCode: ErrorCodes.NONE, groups }
  },
}
