import { api } from '../api.ts'
import { array, bigint64, bool, int16, int32, preset, since, string, until } from '../schema.ts'

const topic = { name: string, partitions: array(int32) }
const partitionResult = { partitionIndex: int32, partitionErrorCode: int16 }
const topicResult = { name: string, resultsByPartition: array(partitionResult) }

/**
 * Adds partitions to a transaction before its first write to them. Versions up to 3 are for clients, later ones for brokers, in
 * batches (KIP-890).
 */
export const AddPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactions: since(
      4,
      array({
        transactionalId: string,
        producerId: bigint64,
        producerEpoch: int16,
        verifyOnly: preset(bool, false),
        topics: array(topic),
      }),
      [],
    ),
    v3AndBelowTransactionalId: until(3, string, ''),
    v3AndBelowProducerId: until(3, bigint64, 0n),
    v3AndBelowProducerEpoch: until(3, int16, 0),
    v3AndBelowTopics: until(3, array(topic), []),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: since(4, int16, 0),
    resultsByTransaction: since(
      4,
      array({
        transactionalId: string,
        topicResults: array(topicResult),
      }),
      [],
    ),
    resultsByTopicV3AndBelow: until(3, array(topicResult), []),
  },
})
