import { api } from '../api.ts'
import { bigint64, bool, int16, int32, nullable, preset, since, string } from '../schema.ts'

/** Gives a producer its id and epoch; with a transactional id it also fences earlier producers and ends their transaction (KIP-98). */
export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 5],
  unstable: 6,
  flexible: 2,
  request: {
    transactionalId: nullable(string),
    transactionTimeoutMs: int32, // ignored without a transactional id
    producerId: since(3, bigint64, -1n), // the one to go on with, KIP-360
    producerEpoch: since(3, int16, -1),
    enable2Pc: since(6, bool, false), // KIP-939
    keepPreparedTxn: since(6, bool, false),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    producerId: preset(bigint64, -1n),
    producerEpoch: int16,
    ongoingTxnProducerId: since(6, bigint64, -1n),
    ongoingTxnProducerEpoch: since(6, int16, -1),
  },
})
