import { api } from '../api.ts'
import { array, bool, int16, int32, nullable, preset, string } from '../schema.ts'

/** Gives topics more partitions (KIP-195). */
export const CreatePartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexible: 2,
  request: {
    topics: array({
      name: string,
      count: int32,
      assignments: nullable(array({ brokerIds: array(int32) })),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    results: array({
      name: string,
      errorCode: int16,
      errorMessage: preset(nullable(string), null),
    }),
  },
})
