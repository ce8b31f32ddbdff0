import { api } from '../api.ts'
import { int16, int32, nullable, preset, string, uuid } from '../schema.ts'

/** Removes a voter from the metadata quorum (KIP-853). */
export const RemoveRaftVoter = api({
  key: 81,
  name: 'RemoveRaftVoter',
  versions: [0, 0],
  flexible: 0,
  request: {
    clusterId: nullable(string),
    voterId: int32,
    voterDirectoryId: uuid,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: nullable(string),
  },
})
