import { ProtocolError, UsageError } from '@odradek/protocol'
import { isPromise, whenSettled } from '../processor.ts'
import type { Done, MaybePromise, RecordHeaders, StreamRecord } from '../record.ts'
import { nodeFailed, StreamsError } from '../streams-error.ts'
import type { OutgoingRecord } from '../task/collector.ts'
import { fail } from './built-in.ts'
import { type Answer, type DeadLetter, type ErrorPolicy, type FailurePlace, quiet } from './handlers.ts'
import { type Deed, type HandlerKind, verdictOf } from './verdict.ts'

/** Without handlers a failure ends whoever runs the task. */
export const failing: ErrorPolicy = { handlers: {}, deadLetterTopic: undefined, logger: quiet }

/** What is known of a failure before the policy of the application is added to it. */
export type Origin = Omit<FailurePlace, 'deadLetterTopic' | 'logger'>

export interface DeskOptions {
  readonly policy: ErrorPolicy
  /** Takes a dead letter. */
  send(record: DeadLetter): void
  /** Told of each record that is passed over. */
  passedOver(origin: Origin, reason: string): void
}

/**
 * Asks the application's handlers about a failure, and does what they say: dead letters are written first, then the record is passed
 * over or a StreamsError thrown that names node and record. A handler that fails itself ends the instance, too.
 */
export class ErrorDesk {
  readonly #options: DeskOptions

  constructor(options: DeskOptions) {
    this.#options = options
  }

  deserialization(error: unknown, origin: Origin): Done {
    const { deserialization = fail } = this.#options.policy.handlers
    const at = this.#place(origin)
    return whenSettled(this.#deed('deserialization', error, at, deserialization), deed => {
      if (deed === 'fail') throw nodeFailed('DESERIALIZATION', error, failedAt(at))
    })
  }

  processing(error: unknown, origin: Origin, record: StreamRecord<unknown, unknown> | undefined): Done {
    const { processing = fail } = this.#options.policy.handlers
    const at = { ...this.#place(origin), record }
    return whenSettled(this.#deed('processing', error, at, processing), deed => {
      if (deed === 'fail') throw nodeFailed('PROCESSING', error, failedAt(at))
    })
  }

  /** The serde of a sink did not take a part of the record. */
  serialization(error: unknown, origin: Origin, part: 'key' | 'value'): Done {
    const { production = fail } = this.#options.policy.handlers
    const at = { ...this.#place(origin), part, target: undefined, attempts: 0 }
    return whenSettled(this.#deed('production', error, at, production), deed => {
      if (deed === 'fail') throw nodeFailed('PROCESSING', error, failedAt(at))
    })
  }

  /** A record could not be delivered: whoever wrote it does what is answered. */
  production(
    error: unknown,
    origin: Origin,
    { target, attempts }: { target: OutgoingRecord; attempts: number },
  ): MaybePromise<Deed> {
    const { production = fail } = this.#options.policy.handlers
    return this.#deed('production', error, { ...this.#place(origin), part: undefined, target, attempts }, production)
  }

  #place(origin: Origin): FailurePlace {
    const { deadLetterTopic, logger } = this.#options.policy
    return { ...origin, deadLetterTopic, logger }
  }

  #deed<P extends FailurePlace>(
    kind: HandlerKind,
    error: unknown,
    at: P,
    handler: (error: unknown, at: P) => MaybePromise<Answer<Deed>>,
  ): MaybePromise<Deed> {
    const canRetry = 'target' in at && at.target !== undefined && mayPass(error)
    const go = (answer: Answer<Deed>): Deed => {
      const { deed, deadLetters } = verdictOf(kind, answer, canRetry)
      for (const letter of deadLetters) this.#options.send(letter)
      if (deed === 'resume') this.#options.passedOver(at, reasons[kind])
      return deed
    }
    const answer = asked(kind, error, at, handler)
    return isPromise(answer) ? Promise.resolve(answer).catch(handlerFailed(kind, at)).then(go) : go(answer)
  }
}

const reasons = {
  deserialization: 'deserialization failed',
  processing: 'processing failed',
  production: 'production failed',
} as const

/** Why records are passed over that a handler has been asked about: it has logged them, or does not want to. */
export const handledReasons: ReadonlySet<string> = new Set(Object.values(reasons))

const codes = { deserialization: 'DESERIALIZATION', processing: 'PROCESSING', production: 'PRODUCTION' } as const

/** What a record, or a topic, is refused for will be refused again. */
const mayPass = (error: unknown): boolean =>
  !(error instanceof UsageError || (error instanceof ProtocolError && !error.retriable))

function asked<P extends FailurePlace>(
  kind: HandlerKind,
  error: unknown,
  at: P,
  handler: (error: unknown, at: P) => MaybePromise<Answer<Deed>>,
): MaybePromise<Answer<Deed>> {
  try {
    return handler(error, at)
  } catch (failure) {
    return handlerFailed(kind, at)(failure)
  }
}

const handlerFailed =
  (kind: HandlerKind, at: FailurePlace) =>
  (cause: unknown): never => {
    const why = cause instanceof Error ? cause.message : String(cause)
    const { node, taskId } = at
    throw new StreamsError(
      codes[kind],
      `The ${kind} handler itself failed, on a failure of node ${node} in task ${taskId}: ${why}`,
      { ...failedAt(at), ...placeOf(at), cause },
    )
  }

const failedAt = (at: FailurePlace) => ({ node: at.node, taskId: at.taskId, place: placeOf(at) })

export function placeOf({ topic, partition, offset }: Origin) {
  return topic === undefined || partition === undefined || offset === undefined
    ? undefined
    : { topic, partition, offset }
}

/** Where there is no record: a punctuation. */
export const noRecord = (node: string, taskId: string, timestamp: number, headers: RecordHeaders): Origin => ({
  ...{ node, taskId, timestamp, headers },
  ...{ topic: undefined, partition: undefined, offset: undefined, sourceKey: null, sourceValue: null },
})
