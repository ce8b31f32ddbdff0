/**
 * What to do after a failure, decided by the error table and by nothing else (never by message text):
 *
 * - `retry`: the same request again after a pause;
 * - `refresh`: the same, after asking for metadata anew, because the leader or the topic has moved;
 * - `coordinator`: the same, after looking for the coordinator anew;
 * - `give-up`: tell the caller.
 */
import { ConnectionError, ErrorCodes, errorByCode, KafkaError, ProtocolError } from '@odradek/protocol'

export type Recovery = 'retry' | 'refresh' | 'coordinator' | 'give-up'

const coordinatorMoved: ReadonlySet<number> = new Set([
  ErrorCodes.NOT_COORDINATOR,
  ErrorCodes.COORDINATOR_NOT_AVAILABLE,
])

/** NOT_CONTROLLER is retried by whoever asks the metadata for the controller again. */
const needsMetadata: ReadonlySet<number> = new Set([ErrorCodes.NOT_CONTROLLER])

export function recoveryOfCode(code: number): Recovery {
  if (coordinatorMoved.has(code)) return 'coordinator'
  const known = errorByCode(code)
  if (known.refreshMetadata || needsMetadata.has(code)) return 'refresh'
  return known.retriable ? 'retry' : 'give-up'
}

export function recoveryOf(error: unknown): Recovery {
  if (error instanceof ProtocolError) return recoveryOfCode(error.errorCode)
  if (error instanceof ConnectionError) return error.retriable ? 'refresh' : 'give-up'
  if (error instanceof KafkaError && error.retriable) return 'retry'
  return 'give-up'
}
