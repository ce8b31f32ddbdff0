import { api } from '../api.ts'
import { int16, int32, nullable, preset, string } from '../schema.ts'

/** Makes the cluster forget a broker that will not come back (KIP-500). */
export const UnregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexible: 0,
  request: {
    brokerId: int32,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: nullable(string),
  },
})
