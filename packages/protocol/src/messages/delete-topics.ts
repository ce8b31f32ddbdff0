import { api } from '../api.ts'
import { array, int16, int32, noId, nullable, preset, since, string, until, uuid } from '../schema.ts'

/** Deletes topics, by name or, since version 6, by id. */
export const DeleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexible: 4,
  request: {
    topics: since(
      6,
      array({
        name: preset(nullable(string), null),
        topicId: uuid, // KIP-516
      }),
      [],
    ),
    topicNames: until(5, array(string), []),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    responses: array({
      name: nullable(string, 6),
      topicId: since(6, uuid, noId), // KIP-516
      errorCode: int16,
      errorMessage: since(5, nullable(string), null), // KIP-599
    }),
  },
})
