import { DescribeCluster, ErrorCodes } from '@odradek/protocol'
import type { Handler } from '../handler.ts'
import { clusterOperations, notAsked } from '../operations.ts'

const brokers = 1

/** The cluster's id and nodes. There are no controllers apart from them. */
export const describeCluster: Handler<typeof DescribeCluster> = {
  api: DescribeCluster,
  handle(request, context) {
    const { cluster, nodeIds } = context.broker
    if (request.endpointType !== brokers) {
      return {
        errorCode: ErrorCodes.MISMATCHED_ENDPOINT_TYPE,
        errorMessage: 'There are no controllers to be described; ask for brokers.',
        clusterId: '',
        brokers: [],
      }
    }
    return {
      errorCode: ErrorCodes.NONE,
      clusterId: cluster.clusterId,
      controllerId: nodeIds[0]!,
      brokers: context.nodes().map(({ nodeId, host, port, rack }) => ({ brokerId: nodeId, host, port, rack })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : notAsked,
    }
  },
}
