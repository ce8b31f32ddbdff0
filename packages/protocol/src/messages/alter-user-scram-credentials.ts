import { api } from '../api.ts'
import { array, bytes, int8, int16, int32, nullable, preset, string } from '../schema.ts'

/** Sets and deletes SCRAM credentials. The client salts the password; it never travels (KIP-554). */
export const AlterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: [0, 0],
  flexible: 0,
  request: {
    deletions: array({
      name: string,
      mechanism: int8, // 1 SCRAM-SHA-256, 2 SCRAM-SHA-512
    }),
    upsertions: array({
      name: string,
      mechanism: int8, // 1 SCRAM-SHA-256, 2 SCRAM-SHA-512
      iterations: int32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    results: array({ user: string, errorCode: int16, errorMessage: nullable(string) }),
  },
})
