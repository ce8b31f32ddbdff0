import { api } from '../api.ts'
import { array, int8, int16, int32, nullable, preset, string } from '../schema.ts'

/** Adds access rules; each succeeds or fails on its own. */
export const CreateAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: preset(int8, 3),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    results: array({ errorCode: int16, errorMessage: nullable(string) }),
  },
})
