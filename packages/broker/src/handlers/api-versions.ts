import { ApiVersions, ErrorCodes } from '@odradek/protocol'
import { features } from '../features.ts'
import type { Handler } from '../handler.ts'

const allowed = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** Counts changes of the features in use: there were none. */
const finalizedFeaturesEpoch = 0

/** Names every API served, with its versions. Clients decide by this answer what they dare to use. */
export function apiVersions(served: readonly Handler<any>[]): Handler<typeof ApiVersions> {
  const self: Handler<typeof ApiVersions> = {
    api: ApiVersions,
    handle(request, { apiVersion }) {
      const isNamed = allowed.test(request.clientSoftwareName) && allowed.test(request.clientSoftwareVersion)
      if (apiVersion >= 3 && !isNamed) return { errorCode: ErrorCodes.INVALID_REQUEST, apiKeys: [] }
      const supportedFeatures = supported(apiVersion)
      return { errorCode: ErrorCodes.NONE, apiKeys, supportedFeatures, finalizedFeaturesEpoch, finalizedFeatures }
    },
  }
  const apiKeys = [...served, self]
    .map(({ api, versions, advertised }) => {
      const [minVersion, maxVersion] = advertised ?? versions ?? api.versions
      return { apiKey: api.key, minVersion, maxVersion }
    })
    .sort((a, b) => a.apiKey - b.apiKey)
  return self
}

/** Clients before version 4 fail at a feature that may be absent: Kafka leaves out those of level 0 then. */
const supported = (apiVersion: number) =>
  features
    .filter(({ min }) => apiVersion >= 4 || min > 0)
    .map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max }))

const finalizedFeatures = features.map(({ name, finalized }) => {
  return { name, minVersionLevel: finalized, maxVersionLevel: finalized }
})
