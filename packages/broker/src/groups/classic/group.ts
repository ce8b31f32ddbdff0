/**
 * A classic consumer group, as a value: a step of the machine (group-machine.ts) makes a new one and leaves the old as it was.
 *
 *                      first member joins
 *            ┌───────┐ ─────────────────► ┌────────────────────┐ ◄─────────────────────────────┐
 *            │ Empty │                    │ PreparingRebalance │ ◄───────────────┐             │ member joins with new
 *            └───────┘ ◄───────────────── └────────────────────┘   member joins, │             │ metadata, leaves, or
 *              │   ▲     nobody rejoined     │ everyone rejoined,  leaves, fails  │             │ falls silent;
 *      deleted │   │                         │ or the time is up                 │             │ the leader rejoins
 *              ▼   │ not stored              ▼ generation + 1                    │             │
 *            ┌──────┐                     ┌─────────────────────┐ ───────────────┘         ┌────────┐
 *            │ Dead │                     │ CompletingRebalance │ ───────────────────────► │ Stable │
 *            └──────┘                     └─────────────────────┘ the leader's assignments └────────┘
 *                                                                 are stored
 *
 * Invariants, checked by group-machine.property.test.ts:
 * - the generation only rises, and only when PreparingRebalance ends;
 * - outside PreparingRebalance no join is parked, outside CompletingRebalance no sync is;
 * - in CompletingRebalance and Stable there is a leader, and it is a member;
 * - an Empty group has no members; a member belongs to at most one instance id, an instance id to at most one member;
 * - subscriptions and assignments are bytes of the clients: kept and handed on exactly, never looked into.
 */
export interface Group {
  readonly id: string
  readonly state: GroupState
  /** 0 before the first rebalance. */
  readonly generation: number
  /** 'consumer', 'connect', …; null for a group that only has offsets. */
  readonly protocolType: string | null
  /** The assignor its members voted for. */
  readonly protocolName: string | null
  readonly leader: string | null
  /** In order of joining. */
  readonly members: ReadonlyMap<string, Member>
  /** Ids given out by MEMBER_ID_REQUIRED that have not come back yet; a rebalance waits for them. */
  readonly pending: ReadonlySet<string>
  /** Wall time at which the group came to its state. Offsets of an Empty group expire from it. -1: unknown. */
  readonly stateSince: number
  /** Set while the first rebalance of an empty group holds the door open (`group.initial.rebalance.delay.ms`). */
  readonly gathering: Gathering | null
}

export const groupStates = ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'] as const
export type GroupState = (typeof groupStates)[number]

export interface Member {
  readonly id: string
  /** `group.instance.id` of a static member, which keeps its place when it comes back under a new member id. */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** In order of preference. */
  readonly protocols: readonly Protocol[]
  readonly assignment: Uint8Array
  /** Its JoinGroup that waits for the barrier. */
  readonly joining: Ticket | null
  /** Its SyncGroup that waits for the leader. */
  readonly syncing: Ticket | null
  /** No generation has included it yet, so it cannot heartbeat. */
  readonly isNew: boolean
  /** Has sent SyncGroup in this generation. */
  readonly hasSynced: boolean
}

/** An assignor and what the member says for it. */
export interface Protocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface Gathering {
  readonly delayMs: number
  /** How much longer it may be extended. */
  readonly remainingMs: number
  /** Someone came in since the last extension. */
  readonly moreCame: boolean
}

/** Names a request that waits for its answer. */
export type Ticket = number

export const noBytes: Uint8Array = new Uint8Array(0)

export function emptyGroup(id: string, stateSince: number): Group {
  return {
    id,
    state: 'Empty',
    generation: 0,
    protocolType: null,
    protocolName: null,
    leader: null,
    members: new Map(),
    pending: new Set(),
    stateSince,
    gathering: null,
  }
}

/** The member that holds an instance id. */
export function staticMember(group: Pick<Group, 'members'>, instanceId: string): Member | undefined {
  for (const member of group.members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

/** What a member says for one assignor. */
export function metadataFor(member: Member, protocolName: string | null): Uint8Array {
  return member.protocols.find(protocol => protocol.name === protocolName)?.metadata ?? noBytes
}

/** The patience of a rebalance is that of its most patient member. */
export function rebalanceTimeoutMs(group: Pick<Group, 'members'>): number {
  let longest = 0
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
  return longest
}

/** Everybody the rebalance waits for has sent JoinGroup. */
export function everyoneJoined(group: Pick<Group, 'members' | 'pending'>): boolean {
  if (group.pending.size > 0) return false
  for (const member of group.members.values()) if (member.joining === null) return false
  return true
}
