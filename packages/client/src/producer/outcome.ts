/** What a broker's answer about one batch means for it. */
import { DecodeError, ErrorCodes, type Produce, ProtocolError, type Response } from '@odradek/protocol'
import { type Recovery, recoveryOf } from '../cluster/recovery.ts'
import type { Outcome } from './partition-queue.ts'

export type PartitionAnswer = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

export interface OutcomeContext {
  readonly topic: string
  readonly partition: number
  readonly isIdempotent: boolean
  /** Pause before a retry. */
  readonly pauseMs: number
}

const sequenceLost: ReadonlySet<number> = new Set([
  ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCodes.UNKNOWN_PRODUCER_ID,
])
const tooLarge: ReadonlySet<number> = new Set([ErrorCodes.MESSAGE_TOO_LARGE, ErrorCodes.RECORD_LIST_TOO_LARGE])

export function outcomeOf(answer: PartitionAnswer, context: OutcomeContext): Outcome {
  const { errorCode, baseOffset, logAppendTimeMs } = answer
  if (errorCode === ErrorCodes.NONE) return { kind: 'delivered', baseOffset, appendTime: logAppendTimeMs }
  if (errorCode === ErrorCodes.DUPLICATE_SEQUENCE_NUMBER) return { kind: 'delivered', baseOffset: -1, appendTime: -1 }
  const { topic, partition, isIdempotent, pauseMs } = context
  const error = new ProtocolError(errorCode, {
    api: 'Produce',
    topic,
    partition,
    message: answer.errorMessage,
    ...adviceFor(errorCode),
  })
  if (tooLarge.has(errorCode)) return { kind: 'too-large', error }
  if (isIdempotent && sequenceLost.has(errorCode)) return { kind: 'out-of-order', error }
  if (isIdempotent && errorCode === ErrorCodes.INVALID_PRODUCER_EPOCH) return { kind: 'fenced', error }
  // The last transaction is being ended, which takes milliseconds.
  if (errorCode === ErrorCodes.CONCURRENT_TRANSACTIONS) return { kind: 'retry', error, pauseMs: pauseMs / 10 }
  if (recoveryOf(error) !== 'give-up') return { kind: 'retry', error, pauseMs }
  return refusal(answer, error)
}

/** A request that brought no answer: what it carried may or may not have been appended. */
export function outcomeOfLoss(error: Error, pauseMs: number): Outcome {
  const isHopeless = recoveryOf(error) === 'give-up' && !(error instanceof DecodeError) // whose connection is gone by now
  return isHopeless ? { kind: 'refused', error } : { kind: 'retry', error, pauseMs }
}

export function recoveryFor(outcome: Outcome): Recovery | undefined {
  return outcome.kind === 'retry' ? recoveryOf(outcome.error) : undefined
}

/** Brokers since 2.4 name the records they object to; the others of the batch are refused only because they travelled with them. */
function refusal(answer: PartitionAnswer, error: ProtocolError): Outcome {
  if (answer.recordErrors.length === 0) return { kind: 'refused', error }
  const blamed = new Map(answer.recordErrors.map(row => [row.batchIndex, row.batchIndexErrorMessage]))
  const { errorCode, topic, partition } = error
  const context = {
    api: 'Produce',
    ...(topic !== undefined && { topic }),
    ...(partition !== undefined && { partition }),
  }
  const bystander = new ProtocolError(errorCode, {
    ...context,
    advice:
      'This record is fine, but another record of its batch was refused, and brokers refuse batches whole: send it again.',
  })
  const errorOf = (index: number) =>
    blamed.has(index)
      ? new ProtocolError(errorCode, { ...context, message: blamed.get(index) ?? answer.errorMessage })
      : bystander
  return { kind: 'refused', error, errorOf }
}

function adviceFor(code: number): { advice?: string } {
  if (code === ErrorCodes.MESSAGE_TOO_LARGE)
    return { advice: "Raise the topic's max.message.bytes, compress, or send less in one record." }
  if (code === ErrorCodes.INVALID_REQUIRED_ACKS) return { advice: "acks is 0, 1 or 'all'." }
  return {}
}
