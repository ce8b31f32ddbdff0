import { api } from '../api.ts'
import { array, int16, int32, since, string } from '../schema.ts'

/** The groups this broker coordinates, if wished only those in some states or of some types. */
export const ListGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexible: 3,
  request: {
    statesFilter: since(4, array(string), []), // KIP-518
    typesFilter: since(5, array(string), []), // KIP-848
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: since(4, string, ''), // KIP-518
      groupType: since(5, string, ''), // KIP-848
    }),
  },
})
