import { EndTxn, ErrorCodes } from '@odradek/protocol'
import type { Handler } from '../handler.ts'
import { fencedFor, transactionError } from '../transactions/transactional-context.ts'

/** The first version whose clients go on with another epoch. */
const risingSince = 5

/** Commits or aborts a transaction: answered when the decision is durable. */
export const endTxn: Handler<typeof EndTxn> = {
  api: EndTxn,
  async handle(request, context) {
    const { broker, apiVersion } = context
    const { transactionalId: id, producerId, producerEpoch: epoch, committed } = request
    const refused = transactionError(id, context)
    if (refused !== ErrorCodes.NONE) return { errorCode: refused }
    const outcome = committed ? 'commit' : 'abort'
    const clientVersion = apiVersion >= risingSince ? 2 : 0
    const reply = await broker.transactions.end(id, { producerId, epoch, outcome, clientVersion })
    const errorCode = fencedFor(apiVersion, 2, reply.error)
    return { errorCode, producerId: reply.producerId, producerEpoch: reply.epoch }
  },
}
