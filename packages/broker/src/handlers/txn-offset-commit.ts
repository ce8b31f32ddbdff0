import { type ErrorCode, ErrorCodes, type Request, type ResponseInput, TxnOffsetCommit } from '@odradek/protocol'
import type { OffsetChange } from '../groups/committed-offset.ts'
import { membershipError } from '../groups/coordination.ts'
import { offsetChange, offsetError } from '../groups/offset-check.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { entrance, entranceError, isLookedAt, offsetCommitAge } from '../transactions/admission.ts'

type Asked = Request<typeof TxnOffsetCommit>
type AskedPartition = Asked['topics'][number]['partitions'][number]

const { NONE } = ErrorCodes

/** Stores how far a group has read, as part of a transaction: it counts when the transaction is committed. */
export const txnOffsetCommit: Handler<typeof TxnOffsetCommit> = {
  api: TxnOffsetCommit,
  async handle(request, context) {
    const { broker } = context
    const refused = membershipError(request.groupId, context)
    if (refused !== NONE) return answer(request, () => refused)
    const errors = new Map<AskedPartition, ErrorCode>()
    const changes: OffsetChange[] = []
    const times = { commitTimestamp: broker.clock.now(), expireTimestamp: -1 }
    const maxMetadataBytes = broker.config.get('offset.metadata.max.bytes')
    for (const { name, partitions: asked } of request.topics) {
      const partitions = broker.cluster.topic(name)?.partitions.length ?? 0
      for (const partition of asked) {
        const error = offsetError(partition, { partitions, maxMetadataBytes })
        if (error === NONE) changes.push(offsetChange(name, partition, times))
        else errors.set(partition, error)
      }
    }
    const error = changes.length === 0 ? NONE : await commit(request, changes, context)
    return answer(request, partition => errors.get(partition) ?? error)
  },
}

/** The transaction is looked at and the offsets are handed over in one turn: its marker comes behind them. */
async function commit(request: Asked, changes: readonly OffsetChange[], context: RequestContext): Promise<ErrorCode> {
  const { groups, transactions } = context.broker
  const { apiVersion } = context
  const { groupId, transactionalId: id, producerId, producerEpoch } = request
  if (producerId < 0n || producerEpoch < 0) return ErrorCodes.INVALID_PRODUCER_ID_MAPPING
  const age = offsetCommitAge(apiVersion)
  if (isLookedAt(transactions, age)) {
    const partition = await groups.offsetsPartition(groupId)
    const producer = { producerId, epoch: producerEpoch }
    const waited = (await entrance(transactions, { id, ...producer, partitions: [partition] }, age)) ?? NONE
    const verdict = waited === NONE ? transactions.membership(id, producer, partition) : waited
    if (verdict !== NONE) return codeFor(entranceError(verdict, age))
  }
  const { memberId, groupInstanceId: instanceId, generationId: generation } = request
  const claim = { memberId, instanceId, generation, apiVersion }
  return groups.commitInTransaction(groupId, claim, { producerId, producerEpoch }, changes)
}

/** What a producer is told to try again, a client of a group looks for another coordinator for. */
function codeFor(error: ErrorCode): ErrorCode {
  return error === ErrorCodes.NOT_ENOUGH_REPLICAS ? ErrorCodes.COORDINATOR_NOT_AVAILABLE : error
}

function answer(
  request: Asked,
  errorOf: (partition: AskedPartition) => ErrorCode,
): ResponseInput<typeof TxnOffsetCommit> {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(partition => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorOf(partition),
      })),
    })),
  }
}
