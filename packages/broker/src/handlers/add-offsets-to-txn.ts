import { AddOffsetsToTxn, ErrorCodes } from '@odradek/protocol'
import { offsetsTopicName } from '../groups/index.ts'
import type { Handler } from '../handler.ts'
import { fencedFor, transactionError } from '../transactions/transactional-context.ts'

/** The partition that keeps a group's offsets joins a transaction. */
export const addOffsetsToTxn: Handler<typeof AddOffsetsToTxn> = {
  api: AddOffsetsToTxn,
  async handle(request, context) {
    const { broker, apiVersion } = context
    const { transactionalId: id, producerId, producerEpoch: epoch, groupId } = request
    const refused = groupId === '' ? ErrorCodes.INVALID_GROUP_ID : transactionError(id, context)
    if (refused !== ErrorCodes.NONE) return { errorCode: refused }
    const { index } = await broker.groups.offsetsPartition(groupId)
    const partitions = [{ topic: offsetsTopicName, index }]
    const { error } = await broker.transactions.join(id, { producerId, epoch, partitions, clientVersion: 0 })
    return { errorCode: fencedFor(apiVersion, 2, error) }
  },
}
