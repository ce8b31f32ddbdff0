import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, type ErrorName, ProtocolError } from '@odradek/protocol'
import { gravest, type TransactionRequest, type Verdict, verdictOf, verdictOfDelivery } from './verdict.ts'

const requests: TransactionRequest[] = [
  'InitProducerId',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'TxnOffsetCommit',
  'EndTxn',
  'Produce',
]

/** One row per code, one verdict per request in the order above. */
const table: { readonly [N in ErrorName]?: readonly Verdict[] } = {
  NOT_COORDINATOR: ['look-up', 'look-up', 'look-up', 'look-up', 'look-up', 'look-up'],
  COORDINATOR_NOT_AVAILABLE: ['look-up', 'look-up', 'look-up', 'look-up', 'look-up', 'look-up'],
  COORDINATOR_LOAD_IN_PROGRESS: ['again', 'again', 'again', 'again', 'again', 'again'],
  CONCURRENT_TRANSACTIONS: ['soon', 'soon', 'soon', 'soon', 'soon', 'soon'],
  PRODUCER_FENCED: ['fatal', 'fatal', 'fatal', 'fatal', 'fatal', 'fatal'],
  INVALID_PRODUCER_EPOCH: ['fatal', 'fatal', 'fatal', 'fatal', 'fatal', 'abort'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ['fatal', 'fatal', 'fatal', 'fatal', 'fatal', 'fatal'],
  CLUSTER_AUTHORIZATION_FAILED: ['fatal', 'fatal', 'fatal', 'fatal', 'fatal', 'fatal'],
  UNSUPPORTED_VERSION: ['fatal', 'fatal', 'fatal', 'fatal', 'fatal', 'fatal'],
  INVALID_TXN_STATE: ['fatal', 'fatal', 'fatal', 'fatal', 'fatal', 'abort'],
  TRANSACTION_ABORTABLE: ['abort', 'abort', 'abort', 'abort', 'abort', 'abort'],
  INVALID_PRODUCER_ID_MAPPING: ['fatal', 'renew', 'renew', 'renew', 'renew', 'renew'],
  UNKNOWN_PRODUCER_ID: ['fatal', 'renew', 'renew', 'renew', 'renew', 'renew'],
  INVALID_TRANSACTION_TIMEOUT: ['fatal', 'abort', 'abort', 'abort', 'fatal', 'abort'],
  TOPIC_AUTHORIZATION_FAILED: ['fatal', 'abort', 'abort', 'abort', 'fatal', 'abort'],
  GROUP_AUTHORIZATION_FAILED: ['fatal', 'abort', 'abort', 'abort', 'fatal', 'abort'],
  UNKNOWN_TOPIC_OR_PARTITION: ['again', 'again', 'again', 'again', 'again', 'again'],
  REQUEST_TIMED_OUT: ['again', 'again', 'again', 'look-up', 'again', 'again'],
  ILLEGAL_GENERATION: ['fatal', 'abort', 'abort', 'stale-member', 'fatal', 'abort'],
  UNKNOWN_MEMBER_ID: ['fatal', 'abort', 'abort', 'stale-member', 'fatal', 'abort'],
  STALE_MEMBER_EPOCH: ['fatal', 'abort', 'abort', 'stale-member', 'fatal', 'abort'],
  FENCED_INSTANCE_ID: ['fatal', 'abort', 'abort', 'abort', 'fatal', 'abort'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: ['fatal', 'abort', 'abort', 'abort', 'fatal', 'abort'],
  MESSAGE_TOO_LARGE: ['fatal', 'abort', 'abort', 'abort', 'fatal', 'abort'],
}

test('each code means for each request of a transaction what Kafka’s own client makes of it', () => {
  for (const [name, row] of Object.entries(table)) {
    const code = ErrorCodes[name as ErrorName]
    assert.deepEqual(
      requests.map(request => verdictOf(request, code)),
      row,
      name,
    )
  }
})

test('of an answer about many partitions the gravest code decides, and bystanders only when there is nobody else', () => {
  const { NONE, OPERATION_NOT_ATTEMPTED, TOPIC_AUTHORIZATION_FAILED, CONCURRENT_TRANSACTIONS, PRODUCER_FENCED } =
    ErrorCodes
  const cases: [codes: number[], decides: number | undefined][] = [
    [[], undefined],
    [[NONE, NONE], undefined],
    [[OPERATION_NOT_ATTEMPTED, TOPIC_AUTHORIZATION_FAILED, OPERATION_NOT_ATTEMPTED], TOPIC_AUTHORIZATION_FAILED],
    [[OPERATION_NOT_ATTEMPTED, CONCURRENT_TRANSACTIONS], CONCURRENT_TRANSACTIONS],
    [[CONCURRENT_TRANSACTIONS, PRODUCER_FENCED, TOPIC_AUTHORIZATION_FAILED], PRODUCER_FENCED],
    [[NONE, OPERATION_NOT_ATTEMPTED], OPERATION_NOT_ATTEMPTED],
  ]
  for (const [codes, decides] of cases) assert.equal(gravest('AddPartitionsToTxn', codes), decides, codes.join())
})

test('what keeps a record from being delivered ends its transaction, or its producer where that is fenced', () => {
  const of = (name: ErrorName) => verdictOfDelivery(new ProtocolError(ErrorCodes[name]))
  assert.equal(of('PRODUCER_FENCED'), 'fatal')
  assert.equal(of('INVALID_PRODUCER_EPOCH'), 'abort', 'whether it is fenced the coordinator will say')
  assert.equal(of('UNKNOWN_PRODUCER_ID'), 'renew')
  assert.equal(of('NOT_ENOUGH_REPLICAS'), 'abort', 'it was tried for as long as it may be')
  assert.equal(verdictOfDelivery(new Error('no answer')), 'abort')
})
