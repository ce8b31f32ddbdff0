import { type CurrentAssignment, startOfMembership } from '../current-assignment.ts'
import { samePlaces } from '../topic-partitions.ts'

/** A member of a consumer group (KIP-848): what it says of itself, and how far it has come with its assignment. Each part is a record. */
export interface ConsumerMember {
  readonly id: string
  readonly details: MemberDetails
  readonly current: CurrentAssignment
}

export interface MemberDetails {
  /** `group.instance.id` of a static member, which may be away for a while and come back under a new member id. */
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, without duplicates. */
  readonly topicNames: readonly string[]
  /** Empty: none. */
  readonly topicRegex: string
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  /** Set for one that speaks the classic protocol (JoinGroup, SyncGroup, Heartbeat). */
  readonly classic: ClassicDetails | null
}

export interface ClassicDetails {
  readonly sessionTimeoutMs: number
  /** In order of preference; all say the same subscription. */
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[]
}

/** The epoch of a static member that is away and will be back. */
export const awayEpoch = -2

export const blankDetails: MemberDetails = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  topicNames: [],
  topicRegex: '',
  rebalanceTimeoutMs: -1,
  serverAssignor: null,
  classic: null,
}

export const blankMember = (id: string): ConsumerMember => ({ id, details: blankDetails, current: startOfMembership })

export function sameDetails(one: MemberDetails, other: MemberDetails): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    sameNames(one.topicNames, other.topicNames) &&
    one.topicRegex === other.topicRegex &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    one.serverAssignor === other.serverAssignor &&
    sameClassic(one.classic, other.classic)
  )
}

export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, i) => name === other[i])
}

function sameClassic(one: ClassicDetails | null, other: ClassicDetails | null): boolean {
  if (one === null || other === null) return one === other
  return (
    one.sessionTimeoutMs === other.sessionTimeoutMs &&
    one.protocols.length === other.protocols.length &&
    one.protocols.every(({ name, metadata }, i) => {
      const twin = other.protocols[i]!
      return name === twin.name && Buffer.compare(metadata, twin.metadata) === 0
    })
  )
}

export const sameOwnedPlaces = (one: ConsumerMember, other: ConsumerMember): boolean =>
  samePlaces(one.current.assigned, other.current.assigned)
