import { api } from '../api.ts'
import { bigint64, bool, int16, int32, preset, since, string } from '../schema.ts'

/** Commits or aborts a transaction. Since version 5 the answer carries the epoch of the next one (KIP-890). */
export const EndTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactionalId: string,
    producerId: bigint64,
    producerEpoch: int16,
    committed: bool, // false: abort
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    producerId: since(5, bigint64, -1n), // another one only when the epoch overflowed, KIP-890
    producerEpoch: since(5, int16, -1),
  },
})
