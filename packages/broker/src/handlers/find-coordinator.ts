import { type ErrorCode, ErrorCodes, FindCoordinator, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'

/** What a key may name, by its number, and why nothing can be said about it now. */
const kinds: readonly Kind[] = [
  { what: 'group', obstacle: (key, { broker }) => broker.groups.obstacle(key) },
  { what: 'transactional id', obstacle: (key, { broker }) => broker.transactions.obstacle(key) },
  // 'group:topic id:partition'
  { what: 'share-partition', obstacle: (key, { broker }) => broker.sharePartitions.obstacle(key) },
]

interface Kind {
  readonly what: string
  obstacle(key: string, context: RequestContext): ErrorCode
}

const { NONE, INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE } = ErrorCodes

type Coordinator = NonNullable<ResponseInput<typeof FindCoordinator>['coordinators']>[number]

/** Which node to ask about a group or a transactional id. */
export const findCoordinator: Handler<typeof FindCoordinator> = {
  api: FindCoordinator,
  handle(request, context) {
    const { keyType } = request
    if (context.apiVersion >= 4)
      return { coordinators: request.coordinatorKeys.map(key => coordinator(key, keyType, context)) }
    return coordinator(request.key, keyType, context)
  },
}

function coordinator(key: string, keyType: number, context: RequestContext): Coordinator {
  const kind = kinds[keyType]
  if (kind === undefined)
    return nobody(key, INVALID_REQUEST, `This broker has no coordinator for keys of type ${keyType}.`)
  const { what } = kind
  const obstacle = kind.obstacle(key, context)
  if (obstacle === INVALID_REQUEST) return nobody(key, INVALID_REQUEST, `'${key}' does not name a ${what}.`)
  if (obstacle === COORDINATOR_NOT_AVAILABLE)
    return nobody(
      key,
      COORDINATOR_NOT_AVAILABLE,
      `What was stored of this ${what} cannot be read; the log of the broker says why.`,
    )
  const nodeId = context.broker.coordinatorOf(key)
  const node = context.nodes().find(candidate => candidate.nodeId === nodeId)
  if (!node)
    return nobody(
      key,
      INVALID_REQUEST,
      `Node ${nodeId}, which coordinates ${what} ${key}, has no address at this listener.`,
    )
  return { key, nodeId, host: node.host, port: node.port, errorCode: NONE, errorMessage: null }
}

function nobody(key: string, errorCode: ErrorCode, errorMessage: string): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
