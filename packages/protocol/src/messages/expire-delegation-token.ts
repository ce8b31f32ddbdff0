import { api } from '../api.ts'
import { bytes, int16, int32, int64, preset } from '../schema.ts'

/** Ends a delegation token, now or at a given time. */
export const ExpireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: [1, 2],
  flexible: 2,
  request: {
    hmac: bytes,
    expiryTimePeriodMs: int64,
  },
  response: {
    errorCode: int16,
    expiryTimestampMs: int64,
    throttleTimeMs: preset(int32, 0),
  },
})
