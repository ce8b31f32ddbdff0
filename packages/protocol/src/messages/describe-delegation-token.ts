import { api } from '../api.ts'
import { array, bytes, int16, int32, int64, nullable, preset, since, string } from '../schema.ts'

/** Delegation tokens, of some owners or of all. */
export const DescribeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: [1, 3],
  flexible: 2,
  request: {
    owners: nullable(array({ principalType: string, principalName: string })),
  },
  response: {
    errorCode: int16,
    tokens: array({
      principalType: string,
      principalName: string,
      tokenRequesterPrincipalType: since(3, string, ''),
      tokenRequesterPrincipalName: since(3, string, ''),
      issueTimestamp: int64,
      expiryTimestamp: int64,
      maxTimestamp: int64,
      tokenId: string,
      hmac: bytes,
      renewers: array({ principalType: string, principalName: string }),
    }),
    throttleTimeMs: preset(int32, 0),
  },
})
