import { api } from '../api.ts'
import { array, int16, int32, nullable, preset, string, uuid } from '../schema.ts'

/** Deletes the start offsets of a share group for some topics (KIP-932). */
export const DeleteShareGroupOffsets = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: [0, 0],
  flexible: 0,
  request: {
    groupId: string,
    topics: array({ topicName: string }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    responses: array({
      topicName: string,
      topicId: uuid,
      errorCode: int16,
      errorMessage: preset(nullable(string), null),
    }),
  },
})
