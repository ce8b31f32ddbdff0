import { ErrorCodes, ListGroups } from '@odradek/protocol'
import type { Handler } from '../handler.ts'

/** The groups this node coordinates, of the kinds and in the states asked for. */
export const listGroups: Handler<typeof ListGroups> = {
  api: ListGroups,
  handle({ statesFilter, typesFilter }, { broker, nodeId }) {
    if (!broker.groups.isLoaded) return { errorCode: ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS, groups: [] }
    const isWanted = (filter: readonly string[]) => {
      const names = new Set(filter.map(name => name.toLowerCase()))
      return (name: string) => names.size === 0 || names.has(name.toLowerCase())
    }
    const [isWantedState, isWantedType] = [isWanted(statesFilter), isWanted(typesFilter)]
    const groups = [...broker.groups.all()]
      .filter(
        ({ id, state, type }) => broker.coordinatorOf(id) === nodeId && isWantedState(state) && isWantedType(type),
      )
      .map(({ id, protocolType, state, type }) => ({ groupId: id, protocolType, groupState: state, groupType: type }))
    return { errorCode: ErrorCodes.NONE, groups }
  },
}
