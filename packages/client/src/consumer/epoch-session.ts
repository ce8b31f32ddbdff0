/**
 * Lives the life that `epoch-membership.ts` decides: sends heartbeats, and nothing else; the broker's answers say what to own. See
 * MemberSession for what the engine sees of it.
 */
import { ConsumerGroupHeartbeat, ErrorCodes, ProtocolError, UsageError } from '@odradek/protocol'
import type { Timer } from '@odradek/world'
import { backoffMs } from '../cluster/backoff.ts'
import { Deadline } from '../cluster/deadline.ts'
import { rebalanceChannel } from './diagnostics.ts'
import {
  type EpochEffect,
  type EpochEvent,
  type EpochMembership,
  hasHeartbeats,
  step,
  stranger,
} from './epoch-membership.ts'
import { epochReaction, epochReactionToError } from './epoch-reactions.ts'
import { callCoordinator, coordinatorSpeaks, forgetIfMoved } from './group-call.ts'
import { HeartbeatFields } from './heartbeat-fields.ts'
import { freshMemberId } from './member-id.ts'
import type { Job, MemberSession, MemberSessionOptions, Standing, Wanted } from './member-session.ts'
import { Pulse } from './pulse.ts'
import { TopicIds } from './topic-ids.ts'
import { TopicMaking } from './topic-making.ts'
import { asRe2, TopicPattern } from './topic-pattern.ts'

export interface EpochSessionOptions extends MemberSessionOptions {
  /** Null: the group's own choice. */
  readonly serverAssignor: string | null
  /** The broker has no such member in this group, and nothing is owned any more. */
  readonly onDeclined: (errorCode: number) => void
}

type Assigned = { readonly topicId: string; readonly partitions: readonly number[] }[]

const slackMs = 5_000
const unknownTopicPauseMs = 500
const regexVersion = 1
const leaveEpoch = -1
const leaveForAWhileEpoch = -2

export class EpochSession implements MemberSession {
  readonly #options: EpochSessionOptions
  readonly #memberId: string
  readonly #fields = new HeartbeatFields()
  readonly #topicIds: TopicIds
  readonly #making: TopicMaking
  readonly #pulse: Pulse
  readonly #closing = new AbortController()
  #membership: EpochMembership
  #job: Job | undefined
  #topics: readonly string[] = []
  /** Matched by the broker, unless `#matching` does it here. */
  #pattern: RegExp | undefined
  #matching: TopicPattern | undefined
  #assigned: Assigned = []
  #lookAgain: Timer | undefined
  /** The coordinator has a member of this name, as far as we were told. */
  #isKnown = false
  #declinedBy: number = ErrorCodes.UNSUPPORTED_VERSION

  constructor(options: EpochSessionOptions) {
    const { cluster } = options
    this.#options = options
    this.#membership = stranger(options.groupInstanceId !== null)
    this.#memberId = freshMemberId(cluster.random)
    this.#topicIds = new TopicIds(cluster)
    this.#making = new TopicMaking(cluster, options.metadataMaxAgeMs)
    this.#pulse = new Pulse(cluster.clock, () => this.#beat())
  }

  get standing(): Standing {
    const { epoch, isLost, losses, phase } = this.#membership
    const isJoining = phase === 'joining'
    const generation = epoch > 0 ? epoch : -1
    return { memberId: this.#memberId, generation, isLost, losses, isJoining, isSettled: phase === 'stable' }
  }

  get hasJob(): boolean {
    return this.#job !== undefined
  }

  get offsetReader(): { memberId: string; memberEpoch: number } | null {
    const { epoch } = this.#membership
    return epoch > 0 ? { memberId: this.#memberId, memberEpoch: epoch } : null
  }

  subscribe(wanted: Wanted): void {
    this.#matching?.close()
    this.#matching = undefined
    this.#pattern = 'pattern' in wanted ? wanted.pattern : undefined
    this.#want('topics' in wanted ? wanted.topics : [])
  }

  /** The broker knows what there is to know; a heartbeat asks for it sooner. */
  requestRejoin(_reason: string): void {
    if (hasHeartbeats(this.#membership)) this.#pulse.now()
  }

  takeJob(): Job | undefined {
    const job = this.#job
    this.#job = undefined
    return job
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
    const { epoch } = this.#membership
    const reaction = epochReaction(errorCode, generation)
    // Whoever is at another epoch by now has heard from the coordinator since.
    if (generation === epoch || reaction === 'beat') this.#refused(this.#membership.stay, errorCode, 'OffsetCommit')
  }

  fail(): void {
    this.#job = undefined
    this.#happened({ type: 'failed' })
  }

  async close(leaveGroup: boolean, signal?: AbortSignal): Promise<void> {
    this.#closing.abort(new UsageError('the consumer is closed'))
    this.#happened({ type: 'left' })
    this.#job = undefined
    this.#pulse.stop()
    this.#making.close()
    this.#matching?.close()
    this.#lookAgain?.cancel()
    if (this.#isKnown && (leaveGroup || this.#membership.isStatic)) await this.#leave(signal)
    this.#options.cluster.closePurpose(this.#purpose)
  }

  get #purpose(): string {
    return `${this.#options.purpose}-heartbeat`
  }

  #want(topics: readonly string[]): void {
    this.#topics = topics
    if (this.#options.autoCreateTopics) this.#making.want(topics)
    this.#happened({ type: 'subscribed' })
  }

  #happened(event: EpochEvent): void {
    const before = this.#membership
    const { membership, effects } = step(before, event)
    this.#membership = membership
    if (rebalanceChannel.hasSubscribers && membership.phase !== before.phase) {
      const { phase, epoch: generation } = membership
      const { groupId: group } = this.#options
      rebalanceChannel.publish({ group, phase, memberId: this.#memberId, generation, event: event.type })
    }
    if (membership.stay !== before.stay) this.#fields.forget()
    for (const effect of effects) this.#do(effect)
    if (!membership.isLost || before.isLost) return
    this.#options.onLost()
    if (this.#job?.kind !== 'reconcile') return
    this.#job = undefined
    this.#happened({ type: 'hooksSkipped' })
  }

  #do(effect: EpochEffect): void {
    switch (effect.do) {
      case 'beat':
        this.#pulse.now()
        break
      case 'release':
        this.#queue({ kind: 'release', partitions: effect.partitions, lost: true })
        break
      case 'reconcile':
        this.#queue({ kind: 'reconcile', revoked: effect.revoked, added: effect.added, divided: null })
        break
      case 'findCoordinator':
        this.#options.cluster.forgetCoordinator('group', this.#options.groupId)
        break
      case 'leave':
        void this.#leave()
        break
      case 'decline':
        this.#options.onDeclined(this.#declinedBy)
    }
  }

  #queue(job: Job): void {
    this.#job = job
    this.#options.onJob()
  }

  /** Milliseconds until the next one. */
  async #beat(): Promise<number | null> {
    if (!hasHeartbeats(this.#membership)) return null
    const { stay } = this.#membership
    try {
      const next = await this.#ask()
      if (next !== null) return next
    } catch (error) {
      this.#fields.forget()
      if (this.#closing.signal.aborted || stay !== this.#membership.stay) return null
      if (error instanceof ProtocolError) this.#refused(stay, error.errorCode, ConsumerGroupHeartbeat.name)
      else {
        this.#happened({ type: 'refused', stay, reaction: epochReactionToError(error) })
        this.#options.trouble.met('group', error)
      }
    }
    if (!hasHeartbeats(this.#membership)) return null
    const { random, backoff } = this.#options.cluster
    return backoffMs(Math.max(1, this.#membership.refusals), random, backoff)
  }

  /** One heartbeat; null when the next should come soon. */
  async #ask(): Promise<number | null> {
    const { cluster, groupId, groupInstanceId: instanceId, trouble } = this.#options
    const { signal } = this.#closing
    const matchesThere = this.#pattern === undefined || this.#matching !== undefined || (await this.#canMatch(signal))
    if (!matchesThere) {
      this.#match()
      return null
    }
    const { stay, epoch: memberEpoch } = this.#membership
    const identity = { groupId, memberId: this.#memberId, memberEpoch, instanceId }
    const request = { ...identity, ...this.#fields.request(this.#report()) }
    const answer = await callCoordinator(cluster, groupId, ConsumerGroupHeartbeat, request, {
      purpose: this.#purpose,
      signal,
    })
    if (stay !== this.#membership.stay) return null
    if (answer.errorCode !== ErrorCodes.NONE) {
      this.#fields.forget()
      if (answer.errorCode === ErrorCodes.INVALID_REGULAR_EXPRESSION && this.#pattern && !this.#matching) this.#match()
      else this.#refused(stay, answer.errorCode, ConsumerGroupHeartbeat.name, answer.errorMessage)
      return null
    }
    this.#fields.answered()
    this.#isKnown = true
    trouble.passed('group')
    this.#happened({ type: 'answered', stay, epoch: answer.memberEpoch })
    if (answer.assignment) {
      this.#assigned = answer.assignment.topicPartitions
      this.#assign(stay)
    }
    return answer.heartbeatIntervalMs
  }

  #report() {
    const { serverAssignor, rebalanceTimeoutMs, rackId } = this.#options
    const regex = this.#pattern && !this.#matching ? asRe2(this.#pattern) : ''
    const { owned } = this.#membership
    return { topics: this.#topics, regex, serverAssignor, rebalanceTimeoutMs, rackId, owned }
  }

  async #canMatch(signal: AbortSignal): Promise<boolean> {
    const { cluster, groupId } = this.#options
    return (await coordinatorSpeaks(cluster, groupId, ConsumerGroupHeartbeat, this.#purpose, signal)) >= regexVersion
  }

  /** The broker cannot, or does not know some word of the expression. */
  #match(): void {
    const { cluster, metadataMaxAgeMs: everyMs, trouble } = this.#options
    this.#matching = new TopicPattern({
      cluster,
      pattern: this.#pattern!,
      everyMs,
      onTopics: names => this.#want(names),
      onFailure: error => trouble.met('group', error),
    })
  }

  /** What is known by name at once; what is not, when it is. */
  #assign(stay: number): void {
    const assigned = this.#assigned
    const { partitions, isIncomplete } = this.#topicIds.known(assigned)
    this.#lookAgain?.cancel()
    if (isIncomplete) void this.#learn(stay, assigned)
    else this.#happened({ type: 'assigned', stay, partitions })
  }

  async #learn(stay: number, assigned: Assigned): Promise<void> {
    const isCurrent = () => this.#assigned === assigned && stay === this.#membership.stay
    try {
      await this.#topicIds.learn(assigned, this.#closing.signal)
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#options.trouble.met('group', error)
    }
    if (!isCurrent()) return
    const { partitions, isIncomplete } = this.#topicIds.known(assigned)
    this.#happened({ type: 'assigned', stay, partitions })
    if (!isIncomplete) return
    this.#lookAgain = this.#options.cluster.clock.timer(unknownTopicPauseMs, () => {
      if (isCurrent()) this.#assign(stay)
    })
  }

  #refused(stay: number, code: number, api: string, message?: string | null): void {
    const { cluster, groupId, trouble } = this.#options
    forgetIfMoved(cluster, groupId, code)
    const reaction = epochReaction(code, this.#membership.epoch)
    if (reaction === 'decline') this.#declinedBy = code
    if (reaction === 'lose') this.#isKnown = false
    const advice = explanations.get(code) ?? `(group '${groupId}')`
    const error = new ProtocolError(code, { api, advice, message: message ?? null })
    this.#happened({ type: 'refused', stay, reaction })
    if (reaction === 'fail') trouble.fail(error)
    else if (reaction === 'retry' || reaction === 'findCoordinator') trouble.met('group', error, true)
  }

  /** Whether it arrives is not ours to insist on. */
  async #leave(signal?: AbortSignal): Promise<void> {
    this.#isKnown = false
    const { cluster, groupId, groupInstanceId: instanceId } = this.#options
    const memberEpoch = this.#membership.isStatic ? leaveForAWhileEpoch : leaveEpoch
    const request = { groupId, memberId: this.#memberId, memberEpoch, instanceId }
    using deadline = new Deadline(cluster.clock, slackMs, `the group '${groupId}' could not be left`, signal)
    const options = { purpose: this.#purpose, signal: deadline.signal }
    await callCoordinator(cluster, groupId, ConsumerGroupHeartbeat, request, options).catch(() => {})
  }
}

const explanations: ReadonlyMap<number, string> = new Map([
  [ErrorCodes.FENCED_INSTANCE_ID, 'another consumer has joined with the same groupInstanceId; give each its own'],
  [
    ErrorCodes.UNRELEASED_INSTANCE_ID,
    'another consumer with this groupInstanceId has not left, or crashed a moment ago',
  ],
  [ErrorCodes.UNSUPPORTED_ASSIGNOR, 'the broker has no such serverAssignor (see group.consumer.assignors)'],
])
