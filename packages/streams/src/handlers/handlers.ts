/** What an application may say to failures of single records (KIP-161, KIP-399, KIP-1033, KIP-1034), and what it is told of them. */
import { UsageError } from '@odradek/client'
import { mustBeKnown, mustBeOneOf } from '../known-names.ts'
import type { MaybePromise, RecordHeaders, StreamRecord } from '../record.ts'
import type { OutgoingRecord } from '../task/collector.ts'

/** Where something failed. `topic`, `partition` and `offset` are undefined in a punctuation: there is no record. */
export interface FailurePlace {
  readonly node: string
  readonly taskId: string
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined
  readonly timestamp: number
  readonly headers: RecordHeaders
  /** The bytes of the record as it was read from `topic`. */
  readonly sourceKey: Uint8Array | null
  readonly sourceValue: Uint8Array | null
  /** As the application is configured. */
  readonly deadLetterTopic: string | undefined
  readonly logger: StreamsLogger
}

export interface ProcessingFailure extends FailurePlace {
  /** What the node was given; undefined in a punctuation. */
  readonly record: StreamRecord<unknown, unknown> | undefined
}

export interface ProductionFailure extends FailurePlace {
  /** A serde did not take the part; undefined: the brokers, or the producer, did not take the record. */
  readonly part: 'key' | 'value' | undefined
  /** What was to be written; undefined while it is not in bytes. */
  readonly target: OutgoingRecord | undefined
  /** How often it was given to the producer. */
  readonly attempts: number
}

/** A record for a topic of failures; `deadLetter(error, at)` makes one with Kafka's headers. */
export interface DeadLetter {
  readonly topic: string
  readonly partition?: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: RecordHeaders
}

/** `resume` passes over the record, `fail` ends the instance; either may leave dead letters behind. */
export type Answer<A extends string = 'resume' | 'fail'> =
  | A
  | { readonly answer: A; readonly deadLetters?: readonly DeadLetter[] }

export type DeserializationHandler = (error: unknown, at: FailurePlace) => MaybePromise<Answer>
export type ProcessingHandler = (error: unknown, at: ProcessingFailure) => MaybePromise<Answer>
/**
 * `retry` gives the record to the producer again, behind what was written since; with exactly once the transaction is done again, as it
 * is for `resume`, then without the record. `retry` means `fail` where the next time cannot go better: a serde did not take the record,
 * or it was refused for good.
 */
export type ProductionHandler = (
  error: unknown,
  at: ProductionFailure,
) => MaybePromise<Answer<'resume' | 'fail' | 'retry'>>

export interface ErrorHandlers {
  /** A source could not read a record. Default: `fail`. */
  readonly deserialization?: DeserializationHandler
  /** A callback threw or rejected. The node is left; its parents go on. Default: `fail`. */
  readonly processing?: ProcessingHandler
  /** A sink's serde did not take a record, or the brokers did not, of sinks and changelogs alike. Default: `fail`. */
  readonly production?: ProductionHandler
  /** What to do with an error that has ended the thread of this instance. Default: `shutdown-client`. */
  readonly uncaught?: (error: unknown) => UncaughtAnswer
}

const known: Record<keyof ErrorHandlers, true> = {
  deserialization: true,
  processing: true,
  production: true,
  uncaught: true,
}

/** Throws a UsageError. */
export function mustBeHandlers(handlers: ErrorHandlers = {}): void {
  mustBeKnown('handler', handlers, known)
  for (const [name, handler] of Object.entries(handlers))
    if (handler !== undefined && typeof handler !== 'function')
      throw new UsageError(`The ${name} handler is ${JSON.stringify(handler)}; write a function that answers it`)
}

/**
 * `replace-thread`: everything is let go and made anew, and goes on from the last commit; where the cause lasts it fails again, after a
 * second, two, four, and so on up to half a minute; each time is logged. `shutdown-client`: the instance ends with the error, others take over its tasks. `shutdown-application`: all instances end, the
 * others with a StreamsError SHUTDOWN_REQUESTED; those that start later do not.
 */
export type UncaughtAnswer = 'replace-thread' | 'shutdown-client' | 'shutdown-application'

const uncaughtAnswers: Record<UncaughtAnswer, true> = {
  'replace-thread': true,
  'shutdown-client': true,
  'shutdown-application': true,
}

/** A handler that throws, or answers something else, ends the instance with the error that it was asked about. */
export function uncaughtAnswer({ handlers, logger = consoleLogger }: ErrorOptions, error: unknown): UncaughtAnswer {
  try {
    const answer = handlers?.uncaught?.(error) ?? 'shutdown-client'
    mustBeOneOf('What the uncaught handler answered', answer, Object.keys(uncaughtAnswers))
    return answer
  } catch (failure) {
    logger.error({ error: failure }, 'The uncaught handler has failed: the instance ends.')
    return 'shutdown-client'
  }
}

/** The part of an application's options that tells what becomes of records that fail. */
export interface ErrorOptions {
  handlers?: ErrorHandlers
  /** Where the built-in handlers write records that fail, with Kafka's headers of KIP-1034. It must exist. Default: none. */
  deadLetterTopic?: string
  /** Default: a line to stderr for each. */
  logger?: StreamsLogger
}

export interface ErrorPolicy {
  readonly handlers: ErrorHandlers
  readonly deadLetterTopic: string | undefined
  readonly logger: StreamsLogger
}

export const errorPolicy = ({ handlers = {}, deadLetterTopic, logger = consoleLogger }: ErrorOptions): ErrorPolicy => ({
  handlers,
  deadLetterTopic,
  logger,
})

/** Fields first, then a sentence: what pino and the broker take. */
export interface StreamsLogger {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const quiet: StreamsLogger = { warn() {}, error() {} }

/** Default of an instance: a line to stderr. */
export const consoleLogger: StreamsLogger = {
  warn: (fields, message) => console.warn(lineOf(fields, message)),
  error: (fields, message) => console.error(lineOf(fields, message)),
}

const lineOf = (fields: object, message: string): string =>
  [
    message,
    ...Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value instanceof Error ? `${value.name}: ${value.message}` : value}`],
    ),
  ].join(' ')
