/**
 * The record that a dead-letter topic gets for one that is given up (KIP-1191). Headers say where it was and what became of it:
 *
 *     __dlq.errors.topic, .partition, .offset    where it is, or was
 *     __dlq.errors.group                         the share group that gave it up
 *     __dlq.errors.delivery.count                how often it was given out
 *     __dlq.errors.message                       why it is here
 *
 * With errors.deadletterqueue.copy.record.enable key, value and headers are those of the record, which come before these.
 */
import type { HeaderInput, LazyRecord, RecordInput } from '@odradek/protocol'

export interface Deceased {
  readonly groupId: string
  readonly topicName: string
  readonly partition: number
  readonly offset: number
  readonly deliveries: number
  /** It was given out as often as it may be; else a member rejected it. */
  readonly isWornOut: boolean
}

export function deadLetter(
  { groupId, topicName, partition, offset, deliveries, isWornOut }: Deceased,
  original: LazyRecord | undefined,
): RecordInput {
  const about: HeaderInput[] = [
    ['__dlq.errors.topic', topicName],
    ['__dlq.errors.partition', String(partition)],
    ['__dlq.errors.offset', String(offset)],
    ['__dlq.errors.group', groupId],
    ['__dlq.errors.delivery.count', String(deliveries)],
    [
      '__dlq.errors.message',
      isWornOut ? 'Offset delivery count exceeded the threshold.' : 'Offset rejected by client.',
    ],
  ]
  if (!original) return { headers: about }
  return { key: original.key, value: original.value, headers: [...original.headers, ...about] }
}
