import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, preset, since, string, until } from '../schema.ts'

/** Raises or lowers the finalized level of cluster features (KIP-584). */
export const UpdateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexible: 0,
  request: {
    timeoutMs: preset(int32, 60_000),
    featureUpdates: array({
      feature: string,
      maxVersionLevel: int16,
      allowDowngrade: until(0, bool, false),
      upgradeType: since(1, int8, 1), // 1 upgrade, 2 safe downgrade, 3 unsafe downgrade
    }),
    validateOnly: since(1, bool, false),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: nullable(string),
    results: until(1, array({ feature: string, errorCode: int16, errorMessage: nullable(string) }), []),
  },
})
