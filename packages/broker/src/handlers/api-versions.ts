import { ApiVersions, ErrorCodes } from '@odradek/protocol'
import type { Handler } from '../handler.ts'

const allowed = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** Names every API served, with its versions. Clients decide by this answer what they dare to use. */
export function apiVersions(served: readonly Handler<any>[]): Handler<typeof ApiVersions> {
  const self: Handler<typeof ApiVersions> = {
    api: ApiVersions,
    handle(request, { apiVersion }) {
      const isNamed = allowed.test(request.clientSoftwareName) && allowed.test(request.clientSoftwareVersion)
      if (apiVersion >= 3 && !isNamed) return { errorCode: ErrorCodes.INVALID_REQUEST, apiKeys: [] }
      return { errorCode: ErrorCodes.NONE, apiKeys }
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
