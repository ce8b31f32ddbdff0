/** Calls to the coordinator of a group or a transactional id, found anew when it has moved. */
import { type AnyApi, ConnectionError, ProtocolError, type RequestInput, type Response } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { CoordinatorKind } from '../cluster/coordinators.ts'
import { recoveryOf } from '../cluster/recovery.ts'
import type { AdminCallOptions } from './settle-each.ts'

export interface Coordinated {
  readonly kind: CoordinatorKind
  readonly key: string
}

/** Throws the error that `codeOf` finds in the answer, retrying what may pass. */
export function askCoordinator<A extends AnyApi>(
  cluster: Cluster,
  group: string,
  api: A,
  input: RequestInput<A>,
  codeOf: (response: Response<A>) => number,
  options: AdminCallOptions & { readonly maxVersion?: number } = {},
): Promise<Response<A>> {
  return askCoordinatorOf(cluster, { kind: 'group', key: group }, api, input, codeOf, options)
}

export function askCoordinatorOf<A extends AnyApi>(
  cluster: Cluster,
  { kind, key }: Coordinated,
  api: A,
  input: RequestInput<A>,
  codeOf: (response: Response<A>) => number,
  { signal, maxVersion }: AdminCallOptions & { readonly maxVersion?: number } = {},
): Promise<Response<A>> {
  const recover = async (_: unknown, error: unknown) => {
    if (error instanceof ConnectionError || recoveryOf(error) === 'coordinator') cluster.forgetCoordinator(kind, key)
  }
  return cluster.retrying({ signal, recover }, async () => {
    const nodeId = await cluster.coordinator(kind, key, signal ? { signal } : {})
    const response = await cluster.call(nodeId, api, input, { signal, maxVersion })
    const code = codeOf(response)
    const advice = () => (kind === 'group' ? adviceFor(code, key) : `(transactional id '${key}')`)
    if (code !== 0) throw new ProtocolError(code, { api: api.name, advice: advice() })
    return response
  })
}

function adviceFor(code: number, group: string): string {
  if (code === 68)
    return `Group '${group}' has members: stop its consumers first, or wait until their sessions have ended.`
  if (code === 25) return `Group '${group}' has members, and only they may move its offsets: stop its consumers first.`
  return `(group '${group}')`
}
