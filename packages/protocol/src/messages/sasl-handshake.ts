import { api } from '../api.ts'
import { array, int16, string } from '../schema.ts'

/** Chooses a SASL mechanism. After version 0 bare tokens follow on the connection; after version 1 they travel in SaslAuthenticate. */
export const SaslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  flexible: Infinity,
  request: {
    mechanism: string,
  },
  response: {
    errorCode: int16,
    mechanisms: array(string),
  },
})
