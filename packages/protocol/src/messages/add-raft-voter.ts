import { api } from '../api.ts'
import { array, bool, int16, int32, nullable, preset, since, string, uint16, uuid } from '../schema.ts'

/** Adds a voter to the metadata quorum (KIP-853). */
export const AddRaftVoter = api({
  key: 80,
  name: 'AddRaftVoter',
  versions: [0, 1],
  flexible: 0,
  request: {
    clusterId: nullable(string),
    timeoutMs: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners: array({ name: string, host: string, port: uint16 }),
    ackWhenCommitted: since(1, bool, true),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: nullable(string),
  },
})
