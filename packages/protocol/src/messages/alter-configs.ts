import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, preset, string } from '../schema.ts'

/** Replaces all dynamic settings of a resource by those given. IncrementalAlterConfigs is the better way. */
export const AlterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexible: 2,
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, value: nullable(string) }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    responses: array({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
    }),
  },
})
