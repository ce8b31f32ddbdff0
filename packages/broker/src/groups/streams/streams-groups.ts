/**
 * The coordinator of streams groups (KIP-1071): requests and deadlines become turns of the rules, whose records are written before
 * anybody is answered. A heartbeat that changes nothing, as nearly all, costs no write.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Logger } from '../../logger.ts'
import { Refusal, refuse } from '../../refusal.ts'
import type { ClassicGroups } from '../classic/classic-groups.ts'
import type { Identity, JoinReply, LeaveReply, PlainReply, SyncReply } from '../classic/group-event.ts'
import { refusedJoin, refusedSync } from '../classic/turn.ts'
import { Deadlines } from '../deadlines.ts'
import type { GroupLog } from '../group-log.ts'
import type { ClassicMembers, CoordinatedGroup, GroupType, JoinRequest, MaybeLater } from '../group-types.ts'
import type { TopicsView } from '../topics-view.ts'
import { type ConfiguredTopology, type InternalTopic, Statuses } from './configured-topology.ts'
import { CoordinatedStreamsGroup } from './coordinated-streams-group.ts'
import { type EndpointPartitions, endpointPartitions } from './endpoints.ts'
import { dealFirst, expired, goOn, heartbeat, leave } from './heartbeat.ts'
import type { StreamsHeartbeat, StreamsReply } from './heartbeat-request.ts'
import { StreamsGroup } from './streams-group.ts'
import { streamsPart, streamsTombstones } from './streams-part.ts'
import type { StreamsSettings } from './streams-settings.ts'
import { nothingRemembered, type StreamsDeadline, type StreamsMemory, StreamsTurn } from './streams-turn.ts'
import { StreamsWrites } from './streams-writes.ts'

/** What could not be written is tried again after so long. */
const retryMs = 1_000

export interface StreamsGroupsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly log: GroupLog
  readonly classic: ClassicGroups
  readonly topics: TopicsView
  settingsOf(groupId: string): StreamsSettings
  /** A group of whatever kind. */
  findAny(groupId: string): CoordinatedGroup | undefined
  /** Makes topics that are missing; why not, or null. */
  makeTopics(topics: readonly InternalTopic[]): Promise<string | null>
}

export interface StreamsAnswer extends StreamsReply {
  readonly endpointEpoch: number
  /** Null: as the member knows them. */
  readonly endpoints: readonly EndpointPartitions[] | null
}

export class StreamsGroups implements GroupType, ClassicMembers {
  readonly name = 'streams'
  readonly #o: StreamsGroupsOptions
  readonly #deadlines: Deadlines<StreamsDeadline>
  readonly #writes: StreamsWrites
  readonly #memories = new Map<string, StreamsMemory>()
  /** How often the tasks of those with endpoints moved. Begins where no member can have been before. */
  readonly #endpointEpochs = new Map<string, number>()
  readonly #firstEndpointEpoch: number

  constructor(options: StreamsGroupsOptions) {
    this.#o = options
    this.#deadlines = new Deadlines(options.clock, (groupId, name) => this.#passed(groupId, name))
    this.#writes = new StreamsWrites(options)
    this.#firstEndpointEpoch = Math.floor(options.clock.now() / 1000) & 0x3fff_ffff
  }

  get classicMembers(): ClassicMembers {
    return this
  }

  /** Members keep their epochs and tasks, and have a whole session to be heard of. */
  load(): void {
    for (const { id: groupId, members } of this.#stored()) {
      const { sessionTimeoutMs } = this.#o.settingsOf(groupId)
      for (const { id, details, current } of members.values()) {
        this.#deadlines.set(groupId, `session:${id}`, sessionTimeoutMs)
        if (current.state === 'unrevoked') this.#deadlines.set(groupId, `revoke:${id}`, details.rebalanceTimeoutMs)
      }
    }
  }

  find(groupId: string): CoordinatedGroup | undefined {
    // One that is about to come has its name already.
    const group = this.get(groupId) ?? (this.#writes.isCreating(groupId) ? new StreamsGroup(groupId) : undefined)
    return group && new CoordinatedStreamsGroup(group)
  }

  *groups(): Iterable<CoordinatedGroup> {
    for (const group of this.#stored()) yield new CoordinatedStreamsGroup(group)
  }

  /** What is durable of a group. Look, do not touch. */
  get(groupId: string): StreamsGroup | undefined {
    return this.#o.log.image(groupId).of(streamsPart).group(groupId)
  }

  /** Its topology with the topics as they were when a member was last heard of; null when nothing is known yet. */
  configured(groupId: string): ConfiguredTopology | null {
    return this.#memories.get(groupId)?.configured ?? null
  }

  /** Throws a Refusal, now or later. */
  beat(request: StreamsHeartbeat): MaybeLater<StreamsAnswer> {
    const { groupId, memberId, memberEpoch } = request
    if (memberEpoch < 0) {
      if (!this.find(groupId)) this.#unknown(groupId, 'Group')
      const left = this.#ask(groupId, turn => leave(turn, memberId, request.shutdownApplication), { isChange: true })
      return then(left, reply => this.#answer(request, reply))
    }
    const reply = this.#ask(groupId, turn => heartbeat(turn, request), { creates: memberEpoch === 0 })
    return then(reply, said => {
      const missing = this.configured(groupId)?.missing ?? []
      if (missing.length === 0) return this.#answer(request, said)
      return this.#withTopics(request, said, missing)
    })
  }

  async delete(groupId: string): Promise<ErrorCode> {
    let obstacle: ErrorCode | null = ErrorCodes.GROUP_ID_NOT_FOUND
    const error = await this.#o.log.write(groupId, image => {
      const group = image.of(streamsPart).group(groupId)
      if (group) obstacle = group.members.size > 0 ? ErrorCodes.NON_EMPTY_GROUP : null
      return obstacle === null ? image.removal(groupId) : []
    })
    if (error !== ErrorCodes.NONE) return error
    if (obstacle === null) this.#forget(groupId)
    return obstacle ?? ErrorCodes.NONE
  }

  /** An application that goes back to the classic protocol finds its group, once nobody is left in it, and its offsets. */
  async join(groupId: string, request: JoinRequest): Promise<JoinReply> {
    let isEmpty = true
    const error = await this.#o.log.write(groupId, image => {
      const group = image.of(streamsPart).group(groupId)
      isEmpty = (group?.members.size ?? 0) === 0
      return group && isEmpty ? streamsTombstones(group) : []
    })
    if (error !== ErrorCodes.NONE) return refusedJoin(error)
    if (!isEmpty) return refusedJoin(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL)
    this.#forget(groupId)
    this.#o.classic.makeSimple(groupId)
    return this.#o.classic.join(groupId, request)
  }

  sync(): SyncReply {
    return refusedSync(ErrorCodes.UNKNOWN_MEMBER_ID)
  }

  heartbeat(): PlainReply {
    return { type: 'plain', error: ErrorCodes.UNKNOWN_MEMBER_ID }
  }

  leave(_groupId: string, members: readonly Identity[]): LeaveReply {
    const error = ErrorCodes.UNKNOWN_MEMBER_ID
    return { type: 'leave', error: ErrorCodes.NONE, members: members.map(member => ({ ...member, error })) }
  }

  close(): void {
    this.#deadlines.close()
  }

  /** The topics it needs are made before it is answered, so that it has its tasks at once. */
  async #withTopics(
    request: StreamsHeartbeat,
    said: StreamsReply,
    missing: readonly InternalTopic[],
  ): Promise<StreamsAnswer> {
    const { groupId, memberId } = request
    const failure = await this.#o.makeTopics(missing)
    if (failure === null) return this.#answer(request, await this.#ask(groupId, turn => goOn(turn, memberId)))
    this.#o.logger.warn({ group: groupId, failure }, 'topics of a streams application cannot be made')
    const statuses = said.statuses.map(status =>
      status.statusCode === Statuses.MISSING_INTERNAL_TOPICS
        ? { ...status, statusDetail: `${status.statusDetail}; Creation failed: ${failure}.` }
        : status,
    )
    return this.#answer(request, { ...said, statuses })
  }

  #answer({ groupId, endpointEpoch: known }: StreamsHeartbeat, reply: StreamsReply): StreamsAnswer {
    const endpointEpoch = this.#endpointEpochs.get(groupId) ?? this.#firstEndpointEpoch
    const group = this.get(groupId)
    const isTold = group !== undefined && reply.memberEpoch >= 0 && known !== endpointEpoch
    const endpoints = isTold ? endpointPartitions(group, this.configured(groupId)) : null
    return { ...reply, endpointEpoch, endpoints }
  }

  #ask<T>(
    groupId: string,
    decide: (turn: StreamsTurn) => T,
    { creates = false, isChange = false } = {},
  ): MaybeLater<T> {
    if (!isChange && !this.#writes.isBusy(groupId)) {
      const group = this.get(groupId)
      if (!group && !creates) return this.#unknown(groupId)
      if (group) {
        const turn = this.#turn(group)
        const answer = decide(turn)
        if (turn.records.length === 0) {
          this.#took(turn)
          return answer
        }
      }
    }
    return this.#writes.write(groupId, creates, (stored, records) => {
      if (!stored && !creates) this.#unknown(groupId)
      const turn = this.#turn(stored ?? new StreamsGroup(groupId))
      const answer = decide(turn)
      records.push(...turn.records)
      return () => {
        this.#took(turn)
        return answer
      }
    })
  }

  #unknown(groupId: string, what = 'Streams group'): never {
    const isOther = this.#o.findAny(groupId) !== undefined
    const sentence = isOther ? `Group ${groupId} is not a streams group.` : `${what} ${groupId} not found.`
    return refuse(ErrorCodes.GROUP_ID_NOT_FOUND, sentence)
  }

  #turn(group: StreamsGroup): StreamsTurn {
    return new StreamsTurn(group, {
      settings: this.#o.settingsOf(group.id),
      topics: this.#o.topics,
      memory: this.#memories.get(group.id) ?? nothingRemembered,
      isDelayed: this.#deadlines.has(group.id, 'initial'),
    })
  }

  /** What was decided is durable. */
  #took({ group, deadlines, memory, movesEndpoints }: StreamsTurn): void {
    const { id } = group
    this.#memories.set(id, memory)
    if (movesEndpoints) this.#endpointEpochs.set(id, (this.#endpointEpochs.get(id) ?? this.#firstEndpointEpoch) + 1)
    for (const { name, inMs } of deadlines)
      if (inMs === null) this.#deadlines.cancel(id, name)
      else this.#deadlines.set(id, name, inMs)
  }

  #passed(groupId: string, name: StreamsDeadline): void {
    const colon = name.indexOf(':')
    const [what, memberId] = [name.slice(0, colon) as 'session' | 'revoke', name.slice(colon + 1)]
    this.#o.logger.debug({ group: groupId, deadline: name }, 'a deadline of a streams group passed')
    const decide = (turn: StreamsTurn) => (name === 'initial' ? dealFirst(turn) : expired(turn, what, memberId))
    void (async () => this.#ask(groupId, decide, { isChange: true }))().catch(error => {
      const isGone = error instanceof Refusal && error.errorCode === ErrorCodes.GROUP_ID_NOT_FOUND
      if (!isGone) this.#deadlines.set(groupId, name, retryMs)
    })
  }

  #forget(groupId: string): void {
    this.#memories.delete(groupId)
    this.#endpointEpochs.delete(groupId)
  }

  *#stored(): Iterable<StreamsGroup> {
    for (const image of this.#o.log.images()) yield* image.of(streamsPart).groups()
  }
}

function then<T, U>(value: MaybeLater<T>, next: (value: T) => MaybeLater<U>): MaybeLater<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
