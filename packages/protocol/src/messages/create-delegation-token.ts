import { api } from '../api.ts'
import { array, bytes, int16, int32, int64, nullable, preset, since, string } from '../schema.ts'

/** Creates a delegation token (KIP-48). */
export const CreateDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: [1, 3],
  flexible: 2,
  request: {
    ownerPrincipalType: since(3, nullable(string), ''), // on behalf of someone else, KIP-373
    ownerPrincipalName: since(3, nullable(string), ''),
    renewers: array({ principalType: string, principalName: string }),
    maxLifetimeMs: int64,
  },
  response: {
    errorCode: int16,
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: since(3, string, ''),
    tokenRequesterPrincipalName: since(3, string, ''),
    issueTimestampMs: int64,
    expiryTimestampMs: int64,
    maxTimestampMs: int64,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs: preset(int32, 0),
  },
})
