import { isDeepStrictEqual } from 'node:util'
import { type CurrentAssignment, startOfMembership } from '../current-assignment.ts'

/**
 * A member of a streams group (KIP-1071), a thread of an application: what it says of itself, and how far it has come with its tasks,
 * by the same states that members of consumer groups go through.
 */
export interface StreamsMember {
  readonly id: string
  readonly details: StreamsMemberDetails
  readonly current: CurrentAssignment
}

export interface StreamsMemberDetails {
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly topologyEpoch: number
  /** Members of one process share a disk: a task is there once, in whatever role. */
  readonly processId: string
  /** Where others ask for what its stores hold. */
  readonly userEndpoint: { readonly host: string; readonly port: number } | null
  /** Sorted by key. */
  readonly clientTags: readonly { readonly key: string; readonly value: string }[]
}

export const blankStreamsMember = (id: string): StreamsMember => ({
  id,
  details: blankDetails,
  current: startOfMembership,
})

const blankDetails: StreamsMemberDetails = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  rebalanceTimeoutMs: -1,
  topologyEpoch: -1,
  processId: '',
  userEndpoint: null,
  clientTags: [],
}

export const sameStreamsDetails = (one: StreamsMemberDetails, other: StreamsMemberDetails): boolean =>
  isDeepStrictEqual(one, other)
