import { ErrorCodes, InitProducerId } from '@odradek/protocol'
import type { Handler } from '../handler.ts'
import { fencedFor, transactionError } from '../transactions/transactional-context.ts'

/** Gives a producer its id and epoch. With a transactional id, whoever had it before is fenced, and what that one left open is aborted. */
export const initProducerId: Handler<typeof InitProducerId> = {
  api: InitProducerId,
  async handle(request, context) {
    const { broker, apiVersion } = context
    const { transactionalId: id, transactionTimeoutMs: timeoutMs, producerId, producerEpoch: epoch } = request
    // Which of the two is meant nobody can say.
    if (producerId < 0n !== epoch < 0) return { errorCode: ErrorCodes.INVALID_REQUEST, producerEpoch: -1 }
    if (id === null)
      return { errorCode: ErrorCodes.NONE, producerId: await broker.producerIds.next(), producerEpoch: 0 }
    const refused = transactionError(id, context)
    if (refused !== ErrorCodes.NONE) return { errorCode: refused, producerEpoch: -1 }
    const expected = producerId < 0n ? undefined : { producerId, epoch }
    const reply = await broker.transactions.initialise({ id, timeoutMs, expected })
    const errorCode = fencedFor(apiVersion, 4, reply.error)
    return { errorCode, producerId: reply.producerId, producerEpoch: reply.epoch }
  },
}
