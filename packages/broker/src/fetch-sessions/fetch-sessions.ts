import { type ErrorCode, ErrorCodes, type Fetch, type Request } from '@odradek/protocol'
import type { Random } from '@odradek/world'
import { type AskedTopic, FetchSession } from './fetch-session.ts'

type Asked = Request<typeof Fetch>

/** Says that a request is of no session, and begins none. */
const noSession = -1
const begins = 0

/** What a Fetch is about, after its session was looked up. */
export type FetchScope =
  | { readonly refused: ErrorCode }
  | {
      readonly topics: readonly AskedTopic[]
      /** Undefined: a fetch on its own, or one whose session is refused for want of room. */
      readonly session: FetchSession | undefined
      /** The answer names everything, not only news. */
      readonly isFull: boolean
    }

export interface FetchSessionLimits {
  /** max.incremental.fetch.session.cache.slots */
  readonly slots: number
  /** A session may be forgotten for another's sake when it was not used for so long: min.incremental.fetch.session.eviction.ms. */
  readonly evictionMs: number
  /** Partitions of all sessions together: some 200 bytes each. */
  readonly partitions: number
}

/**
 * The fetch sessions of a process, in order of their last use. Who finds no room is served without a session, which every client
 * takes; a session that is forgotten is answered FETCH_SESSION_ID_NOT_FOUND, and its client begins another.
 */
export class FetchSessions {
  readonly #random: Random
  readonly #limits: () => FetchSessionLimits
  readonly #sessions = new Map<number, FetchSession>()
  #partitions = 0

  constructor(random: Random, limits: () => FetchSessionLimits) {
    this.#random = random
    this.#limits = limits
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Partitions of all sessions. */
  get partitions(): number {
    return this.#partitions
  }

  /** Finds, begins or ends the session that a request speaks of, and takes over what it changes. `now` is monotonic. */
  scope(request: Asked, o: { nodeId: number; usesTopicIds: boolean; now: number }): FetchScope {
    const { sessionId, sessionEpoch, topics } = request
    if (sessionEpoch === begins || sessionEpoch === noSession) {
      const replaced = this.#sessions.get(sessionId)
      if (replaced?.nodeId === o.nodeId) this.#end(replaced)
      const session = sessionEpoch === begins ? this.#begin(topics, o) : undefined
      return { topics, session, isFull: true }
    }
    const session = this.#sessions.get(sessionId)
    if (session?.nodeId !== o.nodeId) return { refused: ErrorCodes.FETCH_SESSION_ID_NOT_FOUND }
    if (session.epoch !== sessionEpoch) return { refused: ErrorCodes.INVALID_FETCH_SESSION_EPOCH }
    if (session.usesTopicIds !== o.usesTopicIds) return { refused: ErrorCodes.FETCH_SESSION_TOPIC_ID_ERROR }
    return this.#goOn(session, request, o.now)
  }

  #goOn(session: FetchSession, { topics, forgottenTopicsData }: Asked, now: number): FetchScope {
    this.#partitions -= session.size
    session.update(topics, forgottenTopicsData)
    this.#partitions += session.size
    if (this.#partitions > this.#limits().partitions) {
      this.#end(session)
      return { refused: ErrorCodes.FETCH_SESSION_ID_NOT_FOUND }
    }
    if (session.size === 0) {
      this.#end(session)
      return { topics: [], session: undefined, isFull: true }
    }
    session.used(now)
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
    return { topics: session.wanted(), session, isFull: false }
  }

  /** Nothing is remembered for who fetches nothing. */
  #begin(
    topics: readonly AskedTopic[],
    o: { nodeId: number; usesTopicIds: boolean; now: number },
  ): FetchSession | undefined {
    const session = new FetchSession({ id: this.#freshId(), ...o })
    session.update(topics, [])
    if (session.size === 0 || !this.#hasRoomFor(session, o.now)) return undefined
    this.#sessions.set(session.id, session)
    this.#partitions += session.size
    return session
  }

  /** Whoever was quiet for long gives way; and, when it has had its time, a smaller one to a larger. */
  #hasRoomFor(session: FetchSession, now: number): boolean {
    const { slots, evictionMs, partitions } = this.#limits()
    if (this.#sessions.size >= slots) {
      const oldest: FetchSession | undefined = this.#sessions.values().next().value
      if (oldest && now - oldest.usedAt > evictionMs) this.#end(oldest)
      else this.#endSmaller(session.size, now - evictionMs)
    }
    return this.#sessions.size < slots && this.#partitions + session.size <= partitions
  }

  #endSmaller(size: number, createdBefore: number): void {
    let smallest: FetchSession | undefined
    for (const session of this.#sessions.values())
      if (session.createdAt < createdBefore && session.size < (smallest?.size ?? size)) smallest = session
    if (smallest) this.#end(smallest)
  }

  #end(session: FetchSession): void {
    if (this.#sessions.delete(session.id)) this.#partitions -= session.size
  }

  #freshId(): number {
    for (;;) {
      const bytes = this.#random.bytes(4)
      const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) & 0x7fff_ffff
      if (id !== 0 && !this.#sessions.has(id)) return id
    }
  }
}
