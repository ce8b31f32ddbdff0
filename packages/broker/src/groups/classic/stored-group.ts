import { emptyGroup, type Group, metadataFor } from './group.ts'

/**
 * What of a group outlives the process: one generation with its members and their assignments. Which requests are parked, who is
 * pending and when sessions end is not kept: a restored group is Stable (or Empty) and its sessions begin anew.
 */
export interface StoredGroup {
  readonly id: string
  readonly protocolType: string | null
  readonly generation: number
  readonly protocolName: string | null
  readonly leader: string | null
  /** -1: unknown. */
  readonly stateSince: number
  readonly members: readonly StoredMember[]
}

export interface StoredMember {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** What it said for the assignor that was chosen. */
  readonly subscription: Uint8Array
  readonly assignment: Uint8Array
}

export function storedGroup(group: Group): StoredGroup {
  return {
    id: group.id,
    protocolType: group.protocolType,
    generation: group.generation,
    protocolName: group.protocolName,
    leader: group.leader,
    stateSince: group.stateSince,
    members: [...group.members.values()].map(member => ({
      id: member.id,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.sessionTimeoutMs,
      subscription: metadataFor(member, group.protocolName),
      assignment: member.assignment,
    })),
  }
}

export function restoredGroup(stored: StoredGroup): Group {
  const { id, protocolType, generation, protocolName, leader, stateSince } = stored
  if (stored.members.length === 0) return { ...emptyGroup(id, stateSince), protocolType, generation }
  const members = stored.members.map(({ subscription, ...member }) => ({
    ...member,
    protocols: [{ name: protocolName ?? '', metadata: subscription }],
    joining: null,
    syncing: null,
    isNew: false,
    hasSynced: true,
  }))
  return {
    ...emptyGroup(id, stateSince),
    state: 'Stable',
    protocolType,
    generation,
    protocolName,
    leader,
    members: new Map(members.map(member => [member.id, member])),
  }
}
