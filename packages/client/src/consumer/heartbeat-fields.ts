/**
 * What a heartbeat has to say: everything when joining and after an answer was lost, else only what has changed since the broker last
 * heard it. Decisions alone.
 */
import type { ConsumerGroupHeartbeat, RequestInput } from '@odradek/protocol'
import type { IdentifiedPartition } from './epoch-membership.ts'

export interface MemberReport {
  readonly topics: readonly string[]
  /** As RE2 writes it; '' for none. */
  readonly regex: string
  readonly serverAssignor: string | null
  readonly rebalanceTimeoutMs: number
  readonly rackId: string | null
  readonly owned: readonly IdentifiedPartition[]
}

type Fields = Pick<
  RequestInput<typeof ConsumerGroupHeartbeat>,
  | 'rackId'
  | 'rebalanceTimeoutMs'
  | 'subscribedTopicNames'
  | 'subscribedTopicRegex'
  | 'serverAssignor'
  | 'topicPartitions'
>

const names = [
  'rackId',
  'rebalanceTimeoutMs',
  'subscribedTopicNames',
  'subscribedTopicRegex',
  'serverAssignor',
  'topicPartitions',
] as const

export class HeartbeatFields {
  #heard: Fields | undefined
  #said: Fields = {}

  request(report: MemberReport): Fields {
    const all: Fields = {
      rackId: report.rackId,
      rebalanceTimeoutMs: report.rebalanceTimeoutMs,
      subscribedTopicNames: report.topics.toSorted(),
      subscribedTopicRegex: report.regex === '' && !this.#heard?.subscribedTopicRegex ? null : report.regex,
      serverAssignor: report.serverAssignor,
      topicPartitions: byTopicId(report.owned),
    }
    this.#said = all
    const heard = this.#heard
    if (!heard) return all
    const changed = names.filter(name => JSON.stringify(all[name]) !== JSON.stringify(heard[name]))
    return Object.fromEntries(changed.map(name => [name, all[name]]))
  }

  /** The broker has answered the last request without an error. */
  answered(): void {
    this.#heard = this.#said
  }

  /** Nobody knows what the broker remembers. */
  forget(): void {
    this.#heard = undefined
  }
}

export function byTopicId(partitions: readonly IdentifiedPartition[]): { topicId: string; partitions: number[] }[] {
  const topics = Map.groupBy(partitions, at => at.topicId)
  return Array.from(topics, ([topicId, some]) => ({ topicId, partitions: some.map(at => at.partition) }))
}
