import { api } from '../api.ts'
import { bytes, int16, int64, nullable, since, string } from '../schema.ts'

/** One step of a SASL exchange, in either direction. */
export const SaslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexible: 2,
  request: {
    authBytes: bytes,
  },
  response: {
    errorCode: int16,
    errorMessage: nullable(string),
    authBytes: bytes,
    sessionLifetimeMs: since(1, int64, 0), // after which the client has to authenticate again, KIP-368
  },
})
