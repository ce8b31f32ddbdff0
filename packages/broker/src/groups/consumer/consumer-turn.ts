import type { Group } from '../classic/group.ts'
import type { GroupRecord } from '../group-records.ts'
import type { TopicsView } from '../topics-view.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { ConsumerSettings } from './consumer-settings.ts'

/** 'session': a sign of life; 'revoke': partitions given up; 'join', 'sync': a member of the classic protocol that must rejoin, or sync. */
export type ConsumerDeadline = `${'session' | 'revoke' | 'join' | 'sync'}:${string}`

export interface DeadlineChange {
  readonly name: ConsumerDeadline
  /** Null: no more. */
  readonly inMs: number | null
  /** What is set already stays as it is. */
  readonly ifUnset?: boolean
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type Fact = DistributiveOmit<ConsumerRecord, 'kind' | 'groupId'>

/** What stays the same while requests are decided. */
export interface Surroundings {
  readonly settings: ConsumerSettings
  readonly topics: TopicsView
  /** Wall time. */
  readonly now: number
}

/**
 * One request being decided: the group as it is and as the decision makes it, the records that say so, and deadlines. The rules write
 * records, and see at once what comes of them; a Refusal thrown anywhere leaves the group as it was.
 */
export class ConsumerTurn implements Surroundings {
  readonly settings: ConsumerSettings
  readonly topics: TopicsView
  readonly now: number
  readonly records: GroupRecord[] = []
  readonly deadlines: DeadlineChange[] = []
  /** Set when the group turns into this classic one, whose members are to join anew when `mustRebalance`. */
  becomes: { readonly group: Group; readonly mustRebalance: boolean } | null = null
  readonly #of: ConsumerGroup
  #draft: ConsumerGroup | null

  /** `draft`: a copy that may be written to, of what others have decided before, which is not durable yet. */
  constructor(of: ConsumerGroup, around: Surroundings, draft: ConsumerGroup | null = null) {
    this.#of = of
    this.#draft = draft
    this.settings = around.settings
    this.topics = around.topics
    this.now = around.now
  }

  get group(): ConsumerGroup {
    return this.#draft ?? this.#of
  }

  /** What others have decided meanwhile counts, too. */
  continueOn(draft: ConsumerGroup | null): void {
    this.#draft = draft
  }

  /** Null: nothing has been written. */
  get draft(): ConsumerGroup | null {
    return this.#draft
  }

  write(fact: Fact): void {
    this.writeRecord({ kind: 'consumer', groupId: this.group.id, ...fact } as ConsumerRecord)
  }

  writeRecord(record: ConsumerRecord): void {
    this.#draft ??= this.#of.draft()
    this.#draft.apply(record)
    this.records.push(record)
  }

  /** A record of what is no consumer group: the one it was, or is going to be. */
  also(record: GroupRecord): void {
    this.records.push(record)
  }

  deadline(name: ConsumerDeadline, inMs: number): void {
    this.deadlines.push({ name, inMs })
  }

  deadlineIfUnset(name: ConsumerDeadline, inMs: number): void {
    this.deadlines.push({ name, inMs, ifUnset: true })
  }

  noDeadline(name: ConsumerDeadline): void {
    this.deadlines.push({ name, inMs: null })
  }

  noDeadlines(memberId: string): void {
    for (const what of ['session', 'revoke', 'join', 'sync'] as const) this.noDeadline(`${what}:${memberId}`)
  }
}
