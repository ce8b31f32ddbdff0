import { ErrorCodes, InitProducerId } from '@odradek/protocol'
import type { Handler } from '../handler.ts'

/**
 * Gives an idempotent producer its id. Transactions are not served: a transactional id is answered with the error that every client,
 * librdkafka included, takes for final; others it would retry until its timeout.
 */
export const initProducerId: Handler<typeof InitProducerId> = {
  api: InitProducerId,
  async handle(request, { broker, clientHost }) {
    if (request.transactionalId === '') return { errorCode: ErrorCodes.INVALID_REQUEST, producerEpoch: -1 }
    if (request.transactionalId !== null) {
      broker.logger.warn(
        { client: clientHost, transactionalId: request.transactionalId },
        'refusing a transactional producer: this version does not know transactions; leave out transactional.id',
      )
      return { errorCode: ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, producerEpoch: -1 }
    }
    return { errorCode: ErrorCodes.NONE, producerId: await broker.producerIds.next(), producerEpoch: 0 }
  },
}
