/** One request to a group's coordinator. A coordinator that cannot be reached, or says it is none, is looked for anew the next time. */
import { type AnyApi, ConnectionError, ErrorCodes, type RequestInput, type Response } from '@odradek/protocol'
import type { Cluster, ClusterCallOptions } from '../cluster/cluster.ts'

export async function callCoordinator<A extends AnyApi>(
  cluster: Cluster,
  groupId: string,
  api: A,
  input: RequestInput<A>,
  options: ClusterCallOptions = {},
): Promise<Response<A>> {
  const { signal } = options
  try {
    const node = await cluster.coordinator('group', groupId, signal ? { signal } : {})
    return await cluster.call(node, api, input, options)
  } catch (error) {
    if (error instanceof ConnectionError) cluster.forgetCoordinator('group', groupId)
    throw error
  }
}

export function forgetIfMoved(cluster: Cluster, groupId: string, errorCode: number): void {
  if (errorCode === ErrorCodes.NOT_COORDINATOR || errorCode === ErrorCodes.COORDINATOR_NOT_AVAILABLE)
    cluster.forgetCoordinator('group', groupId)
}

/** The highest version of `api` that the coordinator and we both speak, -1 when there is none. */
export async function coordinatorSpeaks(
  cluster: Cluster,
  groupId: string,
  api: AnyApi,
  purpose: string,
  signal?: AbortSignal,
): Promise<number> {
  try {
    const node = await cluster.coordinator('group', groupId, signal ? { signal } : {})
    return (await cluster.connection(node, purpose, signal)).versionOf(api)
  } catch (error) {
    if (error instanceof ConnectionError) cluster.forgetCoordinator('group', groupId)
    throw error
  }
}
