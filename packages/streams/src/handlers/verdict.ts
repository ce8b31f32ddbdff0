/** What the answer of a handler means. Decides only. */
import { ProtocolError, UsageError } from '@odradek/protocol'
import type { Answer, DeadLetter } from './handlers.ts'

export type Deed = 'resume' | 'fail' | 'retry'
export type HandlerKind = 'deserialization' | 'processing' | 'production'

export interface Verdict {
  readonly deed: Deed
  readonly deadLetters: readonly DeadLetter[]
}

const known: Readonly<Record<HandlerKind, readonly Deed[]>> = {
  deserialization: ['resume', 'fail'],
  processing: ['resume', 'fail'],
  production: ['resume', 'fail', 'retry'],
}

/** `canRetry`: it may go well another time; else `retry` is `fail`. Throws UsageError for what is no answer. */
export function verdictOf(kind: HandlerKind, answer: Answer<Deed>, canRetry: boolean): Verdict {
  const deed = typeof answer === 'object' && answer !== null ? answer.answer : answer
  const deadLetters = typeof answer === 'object' && answer !== null ? (answer.deadLetters ?? []) : []
  if (!known[kind].includes(deed))
    throw new UsageError(
      `The ${kind} handler answered ${JSON.stringify(answer)}. Answer ${known[kind].map(word => `'${word}'`).join(' or ')}, or { answer, deadLetters }.`,
    )
  return { deed: deed === 'retry' && !canRetry ? 'fail' : deed, deadLetters }
}

/** As in Kafka Streams, nobody is asked about what concerns no single record: the application may not write there, or cannot. */
export const isFatalRefusal = (error: unknown): boolean =>
  error instanceof ProtocolError && (error.code.endsWith('_AUTHORIZATION_FAILED') || fatal.has(error.code))

/** The producer has lost its place: its records are as good as they were, and the transaction is done again. */
export const isProducersFault = (error: unknown): boolean =>
  error instanceof ProtocolError && outOfPlace.has(error.code)

const outOfPlace: ReadonlySet<string> = new Set([
  ...['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_ID_MAPPING'],
  ...['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'],
])

const fatal: ReadonlySet<string> = new Set([
  ...['SASL_AUTHENTICATION_FAILED', 'SECURITY_DISABLED', 'INVALID_TOPIC_EXCEPTION'],
  ...['UNKNOWN_SERVER_ERROR', 'OFFSET_METADATA_TOO_LARGE'],
])
