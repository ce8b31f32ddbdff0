/**
 * A fetch session with one broker (KIP-227): the broker remembers what we fetch, so requests carry only what changed and answers only
 * what is new. Decisions alone; a lane of the fetcher sends the requests, one at a time.
 *
 *   session id 0, epoch 0: open a session, name everything          id n, epoch 1, 2, …: name changes, and what to forget
 *   id n, epoch 0: replace session n by a new one                   epoch -1 (and id 0): no session at all
 *
 * The broker may decline (it answers id 0), or have forgotten the session: then the next request names everything again.
 */
import { ErrorCodes } from '@odradek/protocol'

export interface FetchTarget {
  readonly topic: string
  /** All zeroes when the broker has told none. */
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

export interface SessionRequest {
  sessionId: number
  sessionEpoch: number
  topics: { topic: string; topicId: string; partitions: Omit<FetchTarget, 'topic' | 'topicId'>[] }[]
  forgottenTopicsData: { topic: string; topicId: string; partitions: number[] }[]
}

const lastEpoch = 0x7fff_ffff

export class FetchSession {
  #id = 0
  #epoch = 0
  /** What the broker remembers, by topic id and partition: ids tell a topic from its successor of the same name. */
  #known = new Map<string, FetchTarget>()
  readonly #enabled: boolean

  constructor(enabled: boolean) {
    this.#enabled = enabled
  }

  get id(): number {
    return this.#id
  }

  request(targets: readonly FetchTarget[]): SessionRequest {
    const next = new Map(targets.map(target => [nameOf(target), target]))
    const isIncremental = this.#id !== 0 && this.#epoch !== 0
    const named = isIncremental ? targets.filter(t => !isSame(this.#known.get(nameOf(t)), t)) : targets
    const forgotten = isIncremental ? [...this.#known.values()].filter(t => !next.has(nameOf(t))) : []
    this.#known = next
    return {
      sessionId: this.#id,
      sessionEpoch: this.#enabled ? this.#epoch : -1,
      topics: byTopic(named, ({ topic: _, topicId: __, ...rest }) => rest),
      forgottenTopicsData: byTopic(forgotten, target => target.partition),
    }
  }

  /** False: the answer says only that there is no such session; ask again. */
  answered(errorCode: number, sessionId: number): boolean {
    if (errorCode === ErrorCodes.FETCH_SESSION_ID_NOT_FOUND) this.#restart(0)
    else if (errorCode !== ErrorCodes.NONE) this.#restart(this.#id)
    else if (sessionId === 0) this.#restart(0)
    else {
      this.#id = sessionId
      this.#epoch = this.#epoch === lastEpoch ? 1 : this.#epoch + 1
    }
    return errorCode === ErrorCodes.NONE
  }

  /** The request or its answer got lost: nobody knows what the broker remembers. */
  failed(): void {
    this.#restart(this.#id)
  }

  #restart(id: number): void {
    this.#id = id
    this.#epoch = 0
    this.#known.clear()
  }
}

function nameOf({ topicId, topic, partition }: FetchTarget): string {
  return `${topicId}/${topic}/${partition}`
}

function isSame(a: FetchTarget | undefined, b: FetchTarget): boolean {
  return (
    a !== undefined &&
    a.fetchOffset === b.fetchOffset &&
    a.currentLeaderEpoch === b.currentLeaderEpoch &&
    a.lastFetchedEpoch === b.lastFetchedEpoch &&
    a.partitionMaxBytes === b.partitionMaxBytes
  )
}

function byTopic<T>(
  targets: readonly FetchTarget[],
  item: (target: FetchTarget) => T,
): { topic: string; topicId: string; partitions: T[] }[] {
  const topics = new Map<string, { topic: string; topicId: string; partitions: T[] }>()
  for (const target of targets) {
    const key = `${target.topicId}/${target.topic}`
    let entry = topics.get(key)
    if (!entry) topics.set(key, (entry = { topic: target.topic, topicId: target.topicId, partitions: [] }))
    entry.partitions.push(item(target))
  }
  return [...topics.values()]
}
