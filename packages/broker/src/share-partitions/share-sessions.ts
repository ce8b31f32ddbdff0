import type { Uuid } from '@odradek/log'

/** A member's conversation about records with one node: which partitions it fetches, and how far they have talked. */
export interface ShareSession {
  readonly groupId: string
  readonly memberId: string
  /** The node it was opened at. */
  readonly nodeId: number
  /** What the next request must carry. */
  epoch: number
  isClosed: boolean
  /** Ends what watches over the session. */
  detach: () => void
  readonly partitions: Map<Uuid, Set<number>>
}

const lastEpoch = 0x7fff_ffff
export const SessionEpochs = { FIRST: 0, FINAL: -1 } as const

/** The share sessions of this process, no more than so many. A session ends with its connection, so that an abandoned one holds no place. */
export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>()

  get size(): number {
    return this.#sessions.size
  }

  find(groupId: string, memberId: string, nodeId: number): ShareSession | undefined {
    return this.#sessions.get(keyOf(groupId, memberId, nodeId))
  }

  /** Undefined: there are as many as there may be. */
  open(groupId: string, memberId: string, nodeId: number, most: number): ShareSession | undefined {
    if (this.#sessions.size >= most) return undefined
    const session = {
      groupId,
      memberId,
      nodeId,
      epoch: 1,
      isClosed: false,
      detach: () => undefined,
      partitions: new Map(),
    }
    this.#sessions.set(keyOf(groupId, memberId, nodeId), session)
    return session
  }

  /** False: it was closed before, or another took its place. */
  close(session: ShareSession): boolean {
    session.isClosed = true
    session.detach()
    const key = keyOf(session.groupId, session.memberId, session.nodeId)
    return this.#sessions.get(key) === session && this.#sessions.delete(key)
  }

  /** Whether the request is the next of its session; then the one after it is. */
  advance(session: ShareSession, epoch: number): boolean {
    if (session.epoch !== epoch) return false
    session.epoch = epoch === lastEpoch ? 1 : epoch + 1
    return true
  }

  *ofMember(groupId: string, memberId: string): Iterable<ShareSession> {
    for (const session of [...this.#sessions.values()])
      if (session.groupId === groupId && session.memberId === memberId) yield session
  }
}

const keyOf = (groupId: string, memberId: string, nodeId: number): string => JSON.stringify([groupId, memberId, nodeId])
