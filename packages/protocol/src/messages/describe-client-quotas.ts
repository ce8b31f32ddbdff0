import { api } from '../api.ts'
import { array, bool, float64, int8, int16, int32, nullable, preset, string } from '../schema.ts'

/** The quotas that match a filter on user, client id and address (KIP-546). */
export const DescribeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    components: array({
      entityType: string,
      matchType: int8, // 0 this entity, 1 the default entity, 2 any
      match: nullable(string),
    }),
    strict: bool,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: nullable(string),
    entries: nullable(
      array({
        entity: array({ entityType: string, entityName: nullable(string) }),
        values: array({ key: string, value: float64 }),
      }),
    ),
  },
})
