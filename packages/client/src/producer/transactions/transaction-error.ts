/** What `transaction()` rejects with when the cluster, and not the application, is the reason. */
import { ConnectionError, ErrorCodes, KafkaError, ProtocolError } from '@odradek/protocol'

export interface TransactionErrorOptions {
  readonly fatal?: boolean
  readonly retriable?: boolean
  readonly cause?: unknown
}

/**
 * A transaction was not committed. Unless the code is COMMIT_OUTCOME_UNKNOWN, nothing of it will ever be seen by readers of committed
 * records.
 *
 * - `fatal`: the producer can do nothing more; the message says what to do.
 * - `retriable`: running the same function again makes sense.
 */
export class TransactionError extends KafkaError {
  readonly fatal: boolean

  constructor(code: string, message: string, { fatal = false, retriable = false, cause }: TransactionErrorOptions) {
    super(code, message, { retriable, cause })
    this.fatal = fatal
  }
}

/** The transaction is to be aborted because of `cause`; the producer goes on. */
export function transactionLost(cause: unknown): TransactionError {
  if (cause instanceof TransactionError) return cause
  const code = cause instanceof KafkaError ? cause.code : 'TRANSACTION_ABORTED'
  const retriable = mayRunAgain(cause)
  const advice = retriable ? 'It can be tried again' : 'Trying again as it was would not help'
  return new TransactionError(code, `the transaction was aborted: ${sentence(cause)} ${advice}`, { retriable, cause })
}

/** Nothing more can be done under this id by this producer. */
export function producerUseless(transactionalId: string, cause: unknown): TransactionError {
  if (cause instanceof TransactionError && cause.fatal) return cause
  const { code, advice } = explained(transactionalId, cause)
  const message = `the producer '${transactionalId}' cannot go on: ${sentence(cause)} ${advice}`
  return new TransactionError(code, message, { fatal: true, cause })
}

export function transactionTimedOut(timeoutMs: number): TransactionError {
  const message =
    `the transaction was aborted: it was still open when its time, ${timeoutMs} ms (transactionTimeoutMs), was about to end. ` +
    'Do less in one transaction, or allow it more time'
  return new TransactionError('TRANSACTION_TIMED_OUT', message, {})
}

export const outcomeUnknownCode = 'COMMIT_OUTCOME_UNKNOWN'

export function outcomeUnknown(timeoutMs: number, cause: unknown): TransactionError {
  const message =
    `nobody answered within ${timeoutMs} ms whether the transaction is committed: it may be, or may not be. ` +
    "Offsets that were committed with it tell (begin again from the group's committed offsets); without any, look at what was written " +
    `before doing it again. The last failure: ${sentence(cause)}`
  return new TransactionError(outcomeUnknownCode, message, { cause })
}

/** The partitions of a batch are not with its consumer any more. */
export function membershipLost(cause: unknown): TransactionError {
  const message =
    `the transaction was aborted: ${sentence(cause)} The records will be processed by whoever has their partitions now: go on with ` +
    'the next batch'
  return new TransactionError(cause instanceof KafkaError ? cause.code : 'PARTITION_REVOKED', message, { cause })
}

function sentence(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  return /[.!?]$/.test(message) ? message : `${message}.`
}

const curedByAnother: ReadonlySet<number> = new Set([
  ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCodes.UNKNOWN_PRODUCER_ID,
  ErrorCodes.INVALID_PRODUCER_ID_MAPPING,
])

function mayRunAgain(cause: unknown): boolean {
  if (cause instanceof ProtocolError)
    return cause.retriable || cause.recovery === 'abort' || curedByAnother.has(cause.errorCode)
  if (cause instanceof ConnectionError) return cause.retriable || cause.code === 'DELIVERY_TIMEOUT'
  return cause instanceof KafkaError && cause.retriable
}

function explained(transactionalId: string, cause: unknown): { code: string; advice: string } {
  const code = cause instanceof KafkaError ? cause.code : 'FATAL'
  switch (code) {
    case 'PRODUCER_FENCED':
    case 'INVALID_PRODUCER_EPOCH':
      return {
        code: 'PRODUCER_FENCED',
        advice:
          `Another producer has begun with transactionalId '${transactionalId}', or the broker ended a transaction that took longer than ` +
          'its timeout. If another process has taken over, let it; otherwise close this producer and make a new one',
      }
    case 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED':
      return {
        code,
        advice: `Allow this user to write to transactionalId '${transactionalId}', then make a new producer`,
      }
    case 'INVALID_TRANSACTION_TIMEOUT':
      return { code, advice: "Lower transactionTimeoutMs, or raise the broker's transaction.max.timeout.ms" }
    case 'UNSUPPORTED_VERSION':
      return { code, advice: 'This cluster has no transactions: upgrade it, or send without them' }
    default:
      return { code, advice: 'Close this producer; make a new one once the reason is gone' }
  }
}
