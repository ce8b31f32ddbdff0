/** The handlers of Kafka Streams: both log, and write a dead letter if the application has a topic for them. */
import { deadLetter } from './dead-letter.ts'
import type { Answer, FailurePlace } from './handlers.ts'

/** Passes over the record. For any of the three handlers. */
export function logAndContinue(error: unknown, at: FailurePlace): Answer {
  at.logger.warn(fieldsOf(error, at), 'a record is passed over')
  return { answer: 'resume', deadLetters: letters(error, at) }
}

/** Ends the instance; the record is read again after a restart. */
export function logAndFail(error: unknown, at: FailurePlace): Answer {
  at.logger.error(fieldsOf(error, at), 'a record ends the instance')
  return fail(error, at)
}

/** Without handlers: the error is thrown, and so told. */
export const fail = (error: unknown, at: FailurePlace): Answer => ({ answer: 'fail', deadLetters: letters(error, at) })

const letters = (error: unknown, at: FailurePlace) => (at.deadLetterTopic === undefined ? [] : [deadLetter(error, at)])

function fieldsOf(error: unknown, { node, taskId, topic, partition, offset }: FailurePlace): object {
  return { node, taskId, topic, partition, offset, error }
}
