/**
 * Lives the life that `membership.ts` decides: sends JoinGroup, SyncGroup, LeaveGroup, keeps heartbeats going, and as leader of the
 * group divides the partitions. See MemberSession for what the engine sees of it.
 */
import {
  ErrorCodes,
  errorByCode,
  JoinGroup,
  KafkaError,
  LeaveGroup,
  ProtocolError,
  type Response,
  SyncGroup,
  UsageError,
} from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { backoffMs } from '../cluster/backoff.ts'
import { Deadline } from '../cluster/deadline.ts'
import type { Assignor, MemberAssignment } from './assignors/assignor.ts'
import { rebalanceChannel } from './diagnostics.ts'
import { callCoordinator, forgetIfMoved } from './group-call.ts'
import { GroupLeader } from './group-leader.ts'
import { consumerProtocolType, decodeAssignment, encodeSubscription } from './group-protocol.ts'
import { Heartbeats } from './heartbeats.ts'
import type { Job, MemberSession, MemberSessionOptions, Standing, Wanted } from './member-session.ts'
import { type Effect, type Membership, type MembershipEvent, needsHeartbeats, outsider, step } from './membership.ts'
import { reactionToCode, reactionToError } from './membership-errors.ts'
import { TopicPattern } from './topic-pattern.ts'

export interface GroupSessionOptions extends MemberSessionOptions {
  readonly assignors: readonly Assignor[]
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
}

const slackMs = 5_000

export class GroupSession implements MemberSession {
  readonly #options: GroupSessionOptions
  readonly #heartbeats: Heartbeats
  readonly #leader: GroupLeader
  readonly #closing = new AbortController()
  #membership: Membership
  #job: Job | undefined
  #matching: TopicPattern | undefined
  /** Of the round that is under way, or was last. */
  #round: { assignor: Assignor; joined: Response<typeof JoinGroup>; assignment: MemberAssignment } | undefined

  constructor(options: GroupSessionOptions) {
    this.#options = options
    this.#membership = outsider(protocolOf(options.assignors), options.groupInstanceId !== null)
    this.#leader = new GroupLeader({ ...options, onTopicsChanged: reason => this.requestRejoin(reason) })
    this.#heartbeats = new Heartbeats({
      ...options,
      purpose: `${options.purpose}-heartbeat`,
      intervalMs: options.heartbeatIntervalMs,
      current: () => (needsHeartbeats(this.#membership) ? this.#membership : null),
      onAnswer: (code, beat) => this.#heartbeatAnswered(code, beat.generation),
      onFailure: error => this.#options.trouble.met('group', error),
    })
  }

  get standing(): Standing {
    const { memberId, generation, isLost, losses, phase } = this.#membership
    return { memberId, generation, isLost, losses, isJoining: phase === 'joining', isSettled: phase === 'stable' }
  }

  /** Whoever stores offsets for a classic group may be anybody. */
  get offsetReader(): null {
    return null
  }

  get hasJob(): boolean {
    return this.#job !== undefined
  }

  subscribe(wanted: Wanted): void {
    this.#matching?.close()
    this.#matching = undefined
    if ('topics' in wanted) this.#happened({ type: 'subscribed', topics: [...wanted.topics] })
    else this.#match(wanted.pattern)
  }

  requestRejoin(reason: string): void {
    this.#happened({ type: 'rejoinWanted', reason })
  }

  takeJob(): Job | undefined {
    const job = this.#job
    this.#job = undefined
    return job?.kind === 'release' ? { ...job, lost: job.lost || this.#membership.isLost } : job
  }

  jobDone(): void {
    this.#happened({ type: 'hooksRan' })
  }

  polled(): void {
    this.#happened({ type: 'polled' })
  }

  pollOverdue(): void {
    this.#job = undefined
    this.#happened({ type: 'pollOverdue' })
  }

  refused(errorCode: number, generation: number): void {
    const reaction = reactionToCode(errorCode)
    const isCurrent = generation === this.#membership.generation
    this.#happened({ type: 'heartbeatRefused', generation, reaction, reason: errorByCode(errorCode).name })
    if (reaction === 'fail' && isCurrent)
      this.#options.trouble.fail(fatal(errorCode, 'Heartbeat', this.#options.groupId))
  }

  fail(): void {
    this.#job = undefined
    this.#happened({ type: 'failed' })
  }

  /** Static members do not say that they leave. */
  async close(leaveGroup: boolean, signal?: AbortSignal): Promise<void> {
    this.#closing.abort(new UsageError('the consumer is closed'))
    const before = this.#membership
    this.#membership = step(before, { type: 'left' }).membership
    this.#job = undefined
    this.#leader.close()
    this.#matching?.close()
    if (leaveGroup && before.memberId !== '' && !before.isStatic)
      await this.#leave(before.memberId, 'the consumer was closed', signal)
    this.#heartbeats.close()
    this.#options.cluster.closePurpose(`${this.#options.purpose}-group`)
  }

  #match(pattern: RegExp): void {
    const { cluster, metadataMaxAgeMs: everyMs, trouble } = this.#options
    const onTopics = (topics: readonly string[]) => this.#happened({ type: 'subscribed', topics })
    const onFailure = (error: unknown) => trouble.met('group', error)
    this.#matching = new TopicPattern({ cluster, pattern, everyMs, onTopics, onFailure })
  }

  #happened(event: MembershipEvent): void {
    const before = this.#membership
    const { membership, effects } = step(before, event)
    if (membership === before) return
    this.#membership = membership
    if (rebalanceChannel.hasSubscribers && membership.phase !== before.phase) {
      const { phase, memberId, generation } = membership
      rebalanceChannel.publish({ group: this.#options.groupId, phase, memberId, generation, event: event.type })
    }
    for (const effect of effects) this.#do(effect)
    this.#heartbeats.wake()
    if (membership.isLost && !before.isLost) this.#options.onLost()
  }

  #do(effect: Effect): void {
    switch (effect.do) {
      case 'release':
        this.#queue({ kind: 'release', partitions: effect.partitions, lost: effect.lost })
        break
      case 'reconcile': {
        const { assignor, assignment } = this.#round!
        this.#queue({
          kind: 'reconcile',
          revoked: effect.revoked,
          added: effect.added,
          divided: { assignor, assignment },
        })
        break
      }
      case 'join':
        void this.#attempt(effect.attempt, () => this.#join(effect.attempt, effect.refusals, effect.reason))
        break
      case 'sync':
        void this.#attempt(effect.attempt, () => this.#sync(effect.attempt, effect.isLeader))
        break
      case 'findCoordinator':
        this.#options.cluster.forgetCoordinator('group', this.#options.groupId)
        break
      case 'leave':
        void this.#leave(effect.memberId, effect.reason)
        break
      case 'fail':
        this.#leader.close()
    }
  }

  #queue(job: Job): void {
    this.#job = job
    this.#options.onJob()
  }

  async #attempt(attempt: number, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      if (this.#closing.signal.aborted || attempt !== this.#membership.attempt) return
      this.#happened({ type: 'refused', attempt, reaction: reactionToError(error), reason: reasonOf(error) })
      this.#options.trouble.met('group', error)
    }
  }

  async #join(attempt: number, refusals: number, reason: string): Promise<void> {
    const { cluster, groupId, groupInstanceId, assignors, sessionTimeoutMs, rebalanceTimeoutMs, rackId } = this.#options
    const { signal } = this.#closing
    if (refusals > 0) await sleep(cluster.clock, backoffMs(refusals, cluster.random, cluster.backoff), signal)
    if (attempt !== this.#membership.attempt) return
    const { memberId, topics, owned, generation } = this.#membership
    const subscription = { topics, owned, generation, rackId }
    const protocols = assignors.map(assignor => ({
      name: assignor.name,
      metadata: encodeSubscription(assignor, subscription),
    }))
    const group = { groupId, groupInstanceId, memberId, sessionTimeoutMs, rebalanceTimeoutMs }
    const request = { ...group, protocolType: consumerProtocolType, protocols, reason }
    const joined = await callCoordinator(cluster, groupId, JoinGroup, request, {
      signal,
      purpose: `${this.#options.purpose}-group`,
      timeoutMs: rebalanceTimeoutMs + slackMs,
    })
    if (attempt !== this.#membership.attempt) return
    if (joined.errorCode !== 0) return this.#refused(attempt, joined.errorCode, JoinGroup.name, joined.memberId)
    const assignor = assignors.find(({ name }) => name === joined.protocolName)
    if (!assignor) throw new ProtocolError(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL, { api: JoinGroup.name })
    this.#round = { assignor, joined, assignment: { partitions: [], userData: null } }
    const { memberId: given, generationId, leader } = joined
    this.#happened({ type: 'joined', attempt, memberId: given, generation: generationId, isLeader: leader === given })
  }

  async #sync(attempt: number, isLeader: boolean): Promise<void> {
    const { cluster, groupId, groupInstanceId } = this.#options
    const { assignor, joined } = this.#round!
    this.#leader.resign()
    const assignments = isLeader ? await this.#leader.divide(assignor, joined) : []
    if (attempt !== this.#membership.attempt) return
    const { memberId, generation: generationId } = this.#membership
    const { protocolName } = joined
    const identity = { groupId, groupInstanceId, memberId, generationId }
    const request = { ...identity, protocolType: consumerProtocolType, protocolName, assignments }
    const synced = await callCoordinator(cluster, groupId, SyncGroup, request, {
      signal: this.#closing.signal,
      purpose: `${this.#options.purpose}-group`,
      timeoutMs: this.#options.rebalanceTimeoutMs + slackMs,
    })
    if (attempt !== this.#membership.attempt) return
    if (synced.errorCode !== 0) return this.#refused(attempt, synced.errorCode, SyncGroup.name)
    const assignment = decodeAssignment(synced.assignment)
    this.#round = { assignor, joined, assignment }
    this.#options.trouble.passed('group')
    this.#happened({ type: 'synced', attempt, assigned: assignment.partitions })
  }

  /** The usual answers of a rebalance are no trouble; the others are retried, or end the engine. */
  #refused(attempt: number, code: number, api: string, memberId = ''): void {
    forgetIfMoved(this.#options.cluster, this.#options.groupId, code)
    const reaction = reactionToCode(code)
    const reason = errorByCode(code).name
    this.#happened({ type: 'refused', attempt, reaction, reason, memberId })
    if (reaction === 'fail') this.#options.trouble.fail(fatal(code, api, this.#options.groupId))
    else if (reaction === 'retry' || reaction === 'findCoordinator') {
      this.#options.trouble.met('group', new ProtocolError(code, { api }))
    }
  }

  #heartbeatAnswered(code: number, generation: number): void {
    if (code === 0) this.#options.trouble.passed('group')
    else this.refused(code, generation)
  }

  /** On the connection of the heartbeats: a JoinGroup may be parked on the other. Whether it arrives is not ours to insist on. */
  async #leave(memberId: string, reason: string, signal?: AbortSignal): Promise<void> {
    const { cluster, groupId, purpose } = this.#options
    const request = { groupId, memberId, members: [{ memberId, groupInstanceId: null, reason }] }
    using deadline = new Deadline(cluster.clock, slackMs, `the group '${groupId}' could not be left`, signal)
    const options = { purpose: `${purpose}-heartbeat`, signal: deadline.signal }
    await callCoordinator(cluster, groupId, LeaveGroup, request, options).catch(() => {})
  }
}

/** Incremental only if all are: an eager assignor may win the vote, and knows nothing of what is kept. */
function protocolOf(assignors: readonly Assignor[]): Membership['protocol'] {
  return assignors.every(({ protocol }) => protocol === 'cooperative') ? 'cooperative' : 'eager'
}

function reasonOf(error: unknown): string {
  return error instanceof KafkaError ? error.code : 'failed'
}

const explanations: ReadonlyMap<number, string> = new Map([
  [ErrorCodes.FENCED_INSTANCE_ID, 'another consumer has joined with the same groupInstanceId; give each its own'],
  [
    ErrorCodes.INCONSISTENT_GROUP_PROTOCOL,
    'the members of the group offer no common assignor; let all of them offer the same one',
  ],
  [
    ErrorCodes.INVALID_SESSION_TIMEOUT,
    'the broker does not accept this sessionTimeoutMs (see group.min.session.timeout.ms)',
  ],
])

function fatal(code: number, api: string, group: string): ProtocolError {
  return new ProtocolError(code, { api, message: explanations.get(code) ?? `group '${group}'` })
}
