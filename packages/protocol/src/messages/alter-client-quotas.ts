import { api } from '../api.ts'
import { array, bool, float64, int16, int32, nullable, preset, string } from '../schema.ts'

/** Sets and deletes quotas (KIP-546). */
export const AlterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    entries: array({
      entity: array({ entityType: string, entityName: nullable(string) }),
      ops: array({ key: string, value: float64, remove: bool }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    entries: array({
      errorCode: int16,
      errorMessage: nullable(string),
      entity: array({ entityType: string, entityName: nullable(string) }),
    }),
  },
})
