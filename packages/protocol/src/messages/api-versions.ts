import { api } from '../api.ts'
import { array, bool, int16, int32, int64, since, string, tagged } from '../schema.ts'

/**
 * Which APIs a broker speaks in which versions: the first thing a client asks. The answer to a version the broker does not know
 * comes in version 0, with error 35 (KIP-35).
 */
export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexible: 3,
  plainResponseHeader: true,
  request: {
    clientSoftwareName: since(3, string, ''), // KIP-511
    clientSoftwareVersion: since(3, string, ''),
  },
  response: {
    errorCode: int16,
    apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: since(1, int32, 0),
    // KIP-584
    supportedFeatures: tagged(0, since(3, array({ name: string, minVersion: int16, maxVersion: int16 }), [])),
    finalizedFeaturesEpoch: tagged(1, since(3, int64, -1)), // -1: not known
    // KIP-584; transaction.version 2 and up changes how clients use transactions
    finalizedFeatures: tagged(2, since(3, array({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }), [])),
    zkMigrationReady: tagged(3, since(3, bool, false)), // KIP-866
  },
})
