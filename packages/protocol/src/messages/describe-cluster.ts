import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, preset, since, string } from '../schema.ts'

/** Id, brokers or controllers, and controller of the cluster (KIP-700). */
export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexible: 0,
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: since(1, int8, 1), // 1 brokers, 2 controllers, KIP-919
    includeFencedBrokers: since(2, bool, false), // KIP-1073
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    endpointType: since(1, int8, 1),
    clusterId: string,
    controllerId: preset(int32, -1),
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: preset(nullable(string), null),
      isFenced: since(2, bool, false), // KIP-1073
    }),
    clusterAuthorizedOperations: preset(int32, -0x8000_0000),
  },
})
