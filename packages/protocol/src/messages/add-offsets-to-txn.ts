import { api } from '../api.ts'
import { bigint64, int16, int32, preset, string } from '../schema.ts'

/** Says that a transaction will commit offsets of a group. */
export const AddOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: [0, 4],
  flexible: 3,
  request: {
    transactionalId: string,
    producerId: bigint64,
    producerEpoch: int16,
    groupId: string,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
  },
})
