/** What a record's sender reads when its time is over, or its partition gone. */
import { ConnectionError, ErrorCodes, ProtocolError } from '@odradek/protocol'
import type { ProducerBatch } from './batch.ts'

export function deliveryTimedOut(
  { topic, partition, leader }: { topic: string; partition: number; leader: number },
  batch: ProducerBatch,
  deliveryTimeoutMs: number,
  lastFailure: Error | undefined,
): ConnectionError {
  const cause = batch.lastError instanceof ProtocolError ? batch.lastError : (lastFailure ?? batch.lastError)
  const times = batch.attempts === 1 ? 'once' : `${batch.attempts} times`
  const tried = batch.attempts === 0 ? 'it was never sent' : `it was sent ${times}`
  const whom = leader < 0 ? 'the partition has no leader' : `node ${leader} leads the partition`
  const why = cause ? `; last failure: ${cause.message}` : ''
  const message = `a record for ${topic}-${partition} was not delivered within ${deliveryTimeoutMs} ms: ${tried}, ${whom}${why}`
  return new ConnectionError(message, { code: 'DELIVERY_TIMEOUT', retriable: false, cause })
}

/** `partitionCount`: how many the topic has now, 0 when it is gone altogether. */
export function partitionGone(
  { topic, partition }: { topic: string; partition: number },
  partitionCount: number,
): ProtocolError {
  const what =
    partitionCount === 0
      ? `topic '${topic}' has been deleted`
      : `topic '${topic}' has been made again with ${partitionCount} partition${partitionCount === 1 ? '' : 's'}`
  return new ProtocolError(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, {
    api: 'Produce',
    topic,
    partition,
    advice:
      `${what[0]!.toUpperCase()}${what.slice(1)} while records for partition ${partition} were waiting. ` +
      'Records sent from now on go where the topic is: send this one again if it still matters.',
  })
}
