/**
 * The leader's part: looks up the topics that members want, runs the assignor, and afterwards watches whether those topics change.
 * A topic that does not exist yet is asked for again every second, so that a group does not wait minutes for its first record.
 */
import type { JoinGroup, Response } from '@odradek/protocol'
import type { Timer } from '@odradek/world'
import type { Cluster } from '../cluster/cluster.ts'
import type { Assignor } from './assignors/assignor.ts'
import { decodeMember, encodeAssignment } from './group-protocol.ts'

export interface GroupLeaderOptions {
  readonly cluster: Cluster
  readonly metadataMaxAgeMs: number
  readonly autoCreateTopics: boolean
  readonly onTopicsChanged: (reason: string) => void
}

const missingTopicPauseMs = 1_000

export class GroupLeader {
  readonly #options: GroupLeaderOptions
  /** Partitions per topic, as the last assignment saw them. Empty when we are not the leader. */
  #seen = new Map<string, number>()
  #timer: Timer | undefined
  readonly #unwatch: () => void

  constructor(options: GroupLeaderOptions) {
    this.#options = options
    this.#unwatch = options.cluster.onMetadata(() => this.#compare())
  }

  /** The bytes for SyncGroup. */
  async divide(
    assignor: Assignor,
    joined: Response<typeof JoinGroup>,
  ): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    const members = joined.members.map(decodeMember)
    const topics = [...new Set(members.flatMap(member => member.topics))]
    const counts = await this.#count(topics)
    if (joined.skipAssignment) {
      this.#watch(counts)
      return []
    }
    // The assignor may make topics and look again; what it has seen is what we compare with later.
    const assignments = await assignor.assign({ members, partitionsOf: topic => this.#partitionsOf(topic) })
    this.#watch(new Map(topics.map(topic => [topic, this.#partitionsOf(topic)])))
    return Array.from(assignments, ([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }))
  }

  resign(): void {
    this.#seen = new Map()
    this.#timer?.cancel()
  }

  close(): void {
    this.resign()
    this.#unwatch()
  }

  async #count(topics: readonly string[]): Promise<Map<string, number>> {
    const { cluster, autoCreateTopics: autoCreate } = this.#options
    if (topics.length > 0) await cluster.describe(topics, { autoCreate })
    const isMissing = topics.some(topic => this.#partitionsOf(topic) === 0)
    // A broker answers that the topic is missing while it is making it.
    if (isMissing && autoCreate) await cluster.describe(topics, { autoCreate })
    return new Map(topics.map(topic => [topic, this.#partitionsOf(topic)]))
  }

  #partitionsOf(topic: string): number {
    return this.#options.cluster.topic(topic)?.partitions.length ?? 0
  }

  #watch(seen: Map<string, number>): void {
    this.#seen = seen
    this.#timer?.cancel()
    if (seen.size === 0) return
    const { cluster, metadataMaxAgeMs, autoCreateTopics: autoCreate } = this.#options
    const isMissing = [...seen.values()].includes(0)
    const pause = isMissing ? Math.min(missingTopicPauseMs, metadataMaxAgeMs) : metadataMaxAgeMs
    this.#timer = cluster.clock.timer(pause, () => {
      const again = () => {
        if (this.#seen === seen) this.#watch(seen)
      }
      cluster.describe([...seen.keys()], { autoCreate }).then(again, again)
    })
  }

  #compare(): void {
    const changed = Array.from(this.#seen).find(([topic, count]) => this.#partitionsOf(topic) !== count)
    if (!changed) return
    this.#seen = new Map()
    this.#options.onTopicsChanged(`topic ${changed[0]} has ${this.#partitionsOf(changed[0])} partitions now`)
  }
}
