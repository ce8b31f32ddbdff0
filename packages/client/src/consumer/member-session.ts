/**
 * What the engine needs of whoever lives the life of a group member for it: GroupSession for the classic protocol, EpochSession for the
 * consumer protocol (KIP-848), NegotiatedSession where the broker decides. Hooks they do not run themselves: they wait in `takeJob` for
 * the next poll.
 */
import type { Cluster } from '../cluster/cluster.ts'
import type { Assignor, MemberAssignment } from './assignors/assignor.ts'
import type { TopicPartition } from './topic-partition.ts'
import type { Trouble } from './trouble.ts'

/** Topics by name, or all whose name matches. */
export type Wanted = { readonly topics: readonly string[] } | { readonly pattern: RegExp }

export interface Standing {
  /** Empty while there is none. */
  readonly memberId: string
  /** Of the classic protocol the generation, of the consumer protocol the member's epoch; -1 while not a member. */
  readonly generation: number
  /** What is owned counts as lost; a job that says so follows. */
  readonly isLost: boolean
  /** How often everything was lost: what was owned before may be somebody else's, whatever generation we are in now. */
  readonly losses: number
  readonly isJoining: boolean
  readonly isSettled: boolean
}

/** Hooks to run; whoever took the job says `jobDone` afterwards. */
export type Job =
  | { kind: 'release'; partitions: readonly TopicPartition[]; lost: boolean }
  | {
      kind: 'reconcile'
      revoked: readonly TopicPartition[]
      added: readonly TopicPartition[]
      /** Whom to tell first; null where the broker has assigned. */
      divided: { readonly assignor: Assignor; readonly assignment: MemberAssignment } | null
    }

export interface MemberSession {
  readonly standing: Standing
  readonly hasJob: boolean
  /** Who asks for committed offsets, where the protocol wants to know it. */
  readonly offsetReader: { readonly memberId: string; readonly memberEpoch: number } | null
  subscribe(wanted: Wanted): void
  requestRejoin(reason: string): void
  takeJob(): Job | undefined
  jobDone(): void
  polled(): void
  pollOverdue(): void
  /** The coordinator refused something of `generation`, and so tells of our membership. */
  refused(errorCode: number, generation: number): void
  /** The engine has failed: nothing more is done for the group, and what is owned counts as lost. */
  fail(): void
  /** Leaves the group, unless told otherwise. Gives up on the answer after a moment, or when the signal aborts. */
  close(leaveGroup: boolean, signal?: AbortSignal): Promise<void>
}

export interface MemberSessionOptions {
  readonly cluster: Cluster
  readonly trouble: Trouble
  readonly groupId: string
  readonly groupInstanceId: string | null
  readonly rebalanceTimeoutMs: number
  readonly metadataMaxAgeMs: number
  readonly rackId: string | null
  readonly autoCreateTopics: boolean
  readonly purpose: string
  /** A job waits. */
  readonly onJob: () => void
  /** The membership is lost; a job that says so will follow. */
  readonly onLost: () => void
}
