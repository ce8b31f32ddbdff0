import { api } from '../api.ts'
import { array, int16, int32, preset, string } from '../schema.ts'

/** Deletes groups that have no members, with their committed offsets. */
export const DeleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexible: 2,
  request: {
    groupsNames: array(string),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    results: array({ groupId: string, errorCode: int16 }),
  },
})
