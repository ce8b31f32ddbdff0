/**
 * What an error code means for a transaction, by the request that brought it. Decides only.
 *
 *     again, soon     the same request may succeed; `soon`: the last transaction is being ended, which takes milliseconds
 *     look-up         the same, from whoever coordinates now
 *     stale-member    the group has moved on from the generation that was named
 *     abort           the transaction cannot be committed; the producer can go on
 *     renew           the same, and the producer id or epoch is of no more use
 *     fatal           nothing more can be done with this producer
 *
 * The kinds are those of KIP-1050. The coordinator of the transaction speaks with authority: PRODUCER_FENCED and
 * INVALID_PRODUCER_EPOCH from it are final. From the leader of a partition an old epoch may only mean that the transaction
 * was ended by its timeout, and the coordinator is asked (by the abort) before the producer is given up (KIP-588).
 */
import { ErrorCodes, type ErrorName, errorByCode, ProtocolError } from '@odradek/protocol'

export type TransactionRequest =
  | 'InitProducerId'
  | 'AddPartitionsToTxn'
  | 'AddOffsetsToTxn'
  | 'TxnOffsetCommit'
  | 'EndTxn'
  | 'Produce'

export type Verdict = 'soon' | 'again' | 'look-up' | 'stale-member' | 'abort' | 'renew' | 'fatal'

type Rows = { readonly [N in ErrorName]?: Verdict }

const everywhere: Rows = {
  NOT_COORDINATOR: 'look-up',
  COORDINATOR_NOT_AVAILABLE: 'look-up',
  CONCURRENT_TRANSACTIONS: 'soon',
  OPERATION_NOT_ATTEMPTED: 'again', // another partition of the request was at fault
  PRODUCER_FENCED: 'fatal',
  INVALID_PRODUCER_EPOCH: 'fatal',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'fatal',
  CLUSTER_AUTHORIZATION_FAILED: 'fatal',
  UNSUPPORTED_VERSION: 'fatal',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'fatal',
  INVALID_TXN_STATE: 'fatal',
  TRANSACTION_ABORTABLE: 'abort',
  UNKNOWN_PRODUCER_ID: 'renew',
  INVALID_PRODUCER_ID_MAPPING: 'renew', // the coordinator forgets ids that were not used for days
}

const byRequest: { readonly [R in TransactionRequest]: { readonly rows: Rows; readonly others: Verdict } } = {
  InitProducerId: { rows: { INVALID_PRODUCER_ID_MAPPING: 'fatal', UNKNOWN_PRODUCER_ID: 'fatal' }, others: 'fatal' },
  AddPartitionsToTxn: { rows: {}, others: 'abort' },
  AddOffsetsToTxn: { rows: {}, others: 'abort' },
  TxnOffsetCommit: {
    rows: {
      REQUEST_TIMED_OUT: 'look-up',
      ILLEGAL_GENERATION: 'stale-member',
      UNKNOWN_MEMBER_ID: 'stale-member',
      STALE_MEMBER_EPOCH: 'stale-member',
      FENCED_MEMBER_EPOCH: 'stale-member',
    },
    others: 'abort',
  },
  EndTxn: { rows: {}, others: 'fatal' },
  Produce: { rows: { INVALID_PRODUCER_EPOCH: 'abort', INVALID_TXN_STATE: 'abort' }, others: 'abort' },
}

export function verdictOf(request: TransactionRequest, code: number): Verdict {
  const { name, retriable } = errorByCode(code)
  const { rows, others } = byRequest[request]
  return rows[name] ?? everywhere[name] ?? (retriable ? 'again' : others)
}

/** The same of a record that could not be delivered. */
export function verdictOfDelivery(error: unknown): 'abort' | 'renew' | 'fatal' {
  const verdict = error instanceof ProtocolError ? verdictOf('Produce', error.errorCode) : 'abort'
  return verdict === 'fatal' || verdict === 'renew' ? verdict : 'abort'
}

const gravity: readonly Verdict[] = ['soon', 'again', 'look-up', 'stale-member', 'abort', 'renew', 'fatal']

/** Of an answer about many things the code that decides; undefined when there is none but NONE. */
export function gravest(request: TransactionRequest, codes: Iterable<number>): number | undefined {
  let worst: number | undefined
  let weight = -1
  for (const code of codes) {
    if (code === ErrorCodes.NONE) continue
    const isBystander = code === ErrorCodes.OPERATION_NOT_ATTEMPTED
    const own = isBystander ? -0.5 : gravity.indexOf(verdictOf(request, code))
    if (own <= weight) continue
    worst = code
    weight = own
  }
  return worst
}
