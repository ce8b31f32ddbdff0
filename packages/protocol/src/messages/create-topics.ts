import { api } from '../api.ts'
import { array, bool, int8, int16, int32, noId, nullable, preset, since, string, tagged, uuid } from '../schema.ts'

/** Creates topics; each succeeds or fails on its own. */
export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexible: 5,
  request: {
    topics: array({
      name: string,
      numPartitions: int32, // -1: the broker's default, KIP-464; or with assignments
      replicationFactor: int16, // -1: the broker's default, KIP-464; or with assignments
      assignments: array({ partitionIndex: int32, brokerIds: array(int32) }), // instead of the two counts above
      configs: array({ name: string, value: nullable(string) }),
    }),
    timeoutMs: preset(int32, 60_000),
    validateOnly: preset(bool, false),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    topics: array({
      name: string,
      topicId: since(7, uuid, noId), // KIP-516
      errorCode: int16,
      errorMessage: nullable(string),
      topicConfigErrorCode: tagged(0, since(5, int16, 0)), // why configs are not shown, KIP-525
      numPartitions: since(5, int32, -1), // KIP-525
      replicationFactor: since(5, int16, -1),
      // KIP-525
      configs: since(
        5,
        nullable(
          array({
            name: string,
            value: nullable(string),
            readOnly: bool,
            configSource: preset(int8, -1), // as in DescribeConfigs
            isSensitive: bool,
          }),
        ),
        [],
      ),
    }),
  },
})
