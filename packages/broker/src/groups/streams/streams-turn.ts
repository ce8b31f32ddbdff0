import type { TopicsView } from '../topics-view.ts'
import { type ConfiguredTopology, configure } from './configured-topology.ts'
import type { StreamsGroup } from './streams-group.ts'
import type { StreamsRecord } from './streams-record.ts'
import type { StreamsSettings } from './streams-settings.ts'

/** 'session': a sign of life; 'revoke': tasks given up; 'initial': the first members have waited long enough for more. */
export type StreamsDeadline = `${'session' | 'revoke'}:${string}` | 'initial'

export interface StreamsDeadlineChange {
  readonly name: StreamsDeadline
  /** Null: no more. */
  readonly inMs: number | null
}

/** What is known of a group and not stored: it is made anew after a restart. */
export interface StreamsMemory {
  readonly configured: ConfiguredTopology | null
  /** Who asked for the whole application to stop. */
  readonly shutdownBy: string | null
}

export const nothingRemembered: StreamsMemory = { configured: null, shutdownBy: null }

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type Fact = DistributiveOmit<StreamsRecord, 'kind' | 'groupId'>

export interface StreamsSurroundings {
  readonly settings: StreamsSettings
  readonly topics: TopicsView
  readonly memory: StreamsMemory
  /** Its first members still wait for more. */
  readonly isDelayed: boolean
}

/**
 * One request being decided: the group as the decision makes it, the records that say so, and what follows once they are durable. The
 * rules write records, and see at once what comes of them; a Refusal thrown anywhere leaves the group as it was.
 */
export class StreamsTurn {
  readonly settings: StreamsSettings
  readonly topics: TopicsView
  readonly records: StreamsRecord[] = []
  readonly deadlines: StreamsDeadlineChange[] = []
  memory: StreamsMemory
  isDelayed: boolean
  /** Somebody with an endpoint has other tasks than before. */
  movesEndpoints = false
  readonly #of: StreamsGroup
  #draft: StreamsGroup | null = null

  constructor(of: StreamsGroup, { settings, topics, memory, isDelayed }: StreamsSurroundings) {
    this.#of = of
    this.settings = settings
    this.topics = topics
    this.memory = memory
    this.isDelayed = isDelayed
  }

  get group(): StreamsGroup {
    return this.#draft ?? this.#of
  }

  write(fact: Fact): void {
    this.writeRecord({ kind: 'streams', groupId: this.group.id, ...fact } as StreamsRecord)
  }

  writeRecord(record: StreamsRecord): void {
    this.#draft ??= this.#of.draft()
    this.#draft.apply(record)
    this.records.push(record)
  }

  deadline(name: StreamsDeadline, inMs: number | null): void {
    this.deadlines.push({ name, inMs })
  }

  /** The group's topology, held against the topics there are now; null: it has none. */
  configured(): ConfiguredTopology | null {
    const { topology } = this.group
    if (topology === null) return null
    const { configured } = this.memory
    if (configured?.topology === topology && configured.topicsVersion === this.topics.version) return configured
    const fresh = configure(topology, this.topics)
    this.memory = { ...this.memory, configured: fresh }
    return fresh
  }
}
