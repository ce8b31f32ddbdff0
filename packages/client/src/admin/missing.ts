/** Things that are not there. The metadata just said so, so asking again is left to the caller. */
import { UsageError } from '@odradek/protocol'

export function noSuchTopic(topic: string): UsageError {
  const how = `create it with admin.topics.create({ name: '${topic}' }) or \`odradek topic create ${topic}\``
  return new UsageError(`topic '${topic}' does not exist: ${how}`, { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
}

export function noSuchPartition(topic: string, partition: number, partitionCount: number | undefined): UsageError {
  if (partitionCount === undefined) return noSuchTopic(topic)
  const message = `topic '${topic}' has partitions 0 to ${partitionCount - 1}; ${partition} is none of them`
  return new UsageError(message, { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
}
