/**
 * What a heartbeat, a departure or a change of topics makes of a share group: records, and what to answer. Pure: the group is what its records
 * add up to, and changes when they are durable.
 */
import type { Uuid } from '@odradek/log'
import { crc32c, type ErrorCode, ErrorCodes } from '@odradek/protocol'
import {
  type Assignment,
  emptyShareGroup,
  isSameAssignment,
  type KeptTopic,
  type MemberInfo,
  nothingAssigned,
  type ShareGroup,
  type ShareMember,
} from './share-group.ts'
import type { ShareRecord } from './share-records.ts'
import { simpleAssignment } from './simple-assignor.ts'

export interface ShareHeartbeat {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, -1 leaves. */
  readonly memberEpoch: number
  readonly rackId: string | null
  /** Null: as before. */
  readonly topics: readonly string[] | null
  readonly clientId: string
  readonly clientHost: string
}

export interface HeartbeatReply {
  readonly error: ErrorCode
  readonly message: string | null
  readonly memberEpoch: number
  /** Null: as the member knows it. */
  readonly assignment: Assignment | null
}

export interface ShareStep {
  readonly records: readonly ShareRecord[]
  readonly reply: HeartbeatReply
}

/** What the decision leans on besides the group. */
export interface ShareSurroundings {
  readonly maxSize: number
  topic(name: string): { readonly id: Uuid; readonly partitions: number } | undefined
}

export function heartbeatStep(
  group: ShareGroup | undefined,
  asked: ShareHeartbeat,
  around: ShareSurroundings,
): ShareStep {
  const refused = refusalOf(group, asked, around)
  if (refused) return { records: [], reply: refused }
  if (asked.memberEpoch === -1) return leaveStep(group!, asked.memberId, around)
  const known = group ?? emptyShareGroup(asked.groupId)
  const before = known.members.get(asked.memberId)
  const member = memberAfter(before, asked)
  const plan = new Plan(known)
  if (!before || !isSameInfo(before, member)) plan.describe(member)
  const isNewlySubscribed = !before || !isSameList(before.topics, member.topics)
  const members = new Map(known.members).set(member.id, member)
  const target = plan.assign(members, around, isNewlySubscribed).get(member.id)!
  const isFull = asked.memberEpoch === 0 || asked.topics !== null
  if (member.epoch !== plan.assignmentEpoch || !isSameAssignment(member.assigned, target)) {
    plan.add({
      about: 'progress',
      memberId: member.id,
      value: { epoch: plan.assignmentEpoch, previousEpoch: member.epoch, assigned: target },
    })
  }
  const isNews = isFull || !isSameAssignment(member.assigned, target)
  return { records: plan.records, reply: told(plan.assignmentEpoch, isNews ? target : null) }
}

/** A member leaves or has fallen silent. */
export function leaveStep(group: ShareGroup, memberId: string, around: ShareSurroundings): ShareStep {
  const plan = new Plan(group)
  for (const about of ['progress', 'target', 'member'] as const) plan.add({ about, memberId, value: null })
  const members = new Map(group.members)
  members.delete(memberId)
  plan.assign(members, around, true)
  return { records: plan.records, reply: told(-1, null) }
}

function refusalOf(
  group: ShareGroup | undefined,
  { groupId, memberId, memberEpoch, topics }: ShareHeartbeat,
  { maxSize }: ShareSurroundings,
): HeartbeatReply | null {
  if (memberEpoch < -1) return refusal(ErrorCodes.INVALID_REQUEST, 'MemberEpoch is invalid.')
  if (memberEpoch === 0 && topics === null)
    return refusal(ErrorCodes.INVALID_REQUEST, 'SubscribedTopicNames must be set in first request.')
  if (!group && memberEpoch !== 0) return refusal(ErrorCodes.GROUP_ID_NOT_FOUND, `Share group ${groupId} not found.`)
  const member = group?.members.get(memberId)
  if (!member) {
    if (memberEpoch !== 0)
      return refusal(ErrorCodes.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`)
    if (group && group.members.size >= maxSize)
      return refusal(
        ErrorCodes.GROUP_MAX_SIZE_REACHED,
        `The share group has reached its maximum capacity of ${maxSize} members.`,
      )
    return null
  }
  const isKnownEpoch = memberEpoch <= 0 || memberEpoch === member.epoch || memberEpoch === member.previousEpoch
  if (isKnownEpoch) return null
  const message =
    memberEpoch > member.epoch
      ? `The share group member has a greater member epoch (${memberEpoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`
      : `The share group member has a smaller member epoch (${memberEpoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`
  return refusal(ErrorCodes.FENCED_MEMBER_EPOCH, message)
}

export const refusal = (error: ErrorCode, message: string | null): HeartbeatReply => ({
  error,
  message,
  memberEpoch: 0,
  assignment: null,
})

const told = (memberEpoch: number, assignment: Assignment | null): HeartbeatReply => ({
  error: ErrorCodes.NONE,
  message: null,
  memberEpoch,
  assignment,
})

function memberAfter(before: ShareMember | undefined, asked: ShareHeartbeat): ShareMember {
  const { clientId, clientHost } = asked
  const topics = asked.topics ? [...new Set(asked.topics)].sort() : (before?.topics ?? [])
  const info = { rackId: asked.rackId ?? before?.rackId ?? null, clientId, clientHost, topics }
  const progress = before ?? { epoch: 0, previousEpoch: -1, assigned: nothingAssigned, target: nothingAssigned }
  return { ...progress, id: asked.memberId, ...info }
}

/** The records of a step, as they come together. */
class Plan {
  readonly records: ShareRecord[] = []
  readonly #group: ShareGroup
  assignmentEpoch: number

  constructor(group: ShareGroup) {
    this.#group = group
    this.assignmentEpoch = group.assignmentEpoch
  }

  add(record: DistributiveOmit<ShareRecord, 'kind' | 'groupId'>): void {
    this.records.push({ kind: 'share', groupId: this.#group.id, ...record } as ShareRecord)
  }

  describe({ id, rackId, clientId, clientHost, topics }: ShareMember): void {
    this.add({ about: 'member', memberId: id, value: { rackId, clientId, clientHost, topics } })
  }

  /** What each member is to have; dealt out anew when members, subscriptions or topics have changed. */
  assign(
    members: ReadonlyMap<string, ShareMember>,
    around: ShareSurroundings,
    isDue: boolean,
  ): Map<string, Assignment> {
    const topics = subscribedTopics(members, around)
    const metadataHash = hashOf(topics)
    const group = this.#group
    if (!isDue && metadataHash === group.metadataHash)
      return new Map(Array.from(members, ([id, { target }]) => [id, target]))
    const epoch = group.epoch + 1
    this.assignmentEpoch = epoch
    const counts = new Map(Array.from(topics.values(), ({ id, partitions }) => [id, partitions]))
    const hands = simpleAssignment({
      members: new Map(
        Array.from(members, ([id, member]) => [id, { topicIds: idsOf(member, topics), assigned: member.target }]),
      ),
      partitionsOf: topicId => counts.get(topicId) ?? 0,
    })
    this.add({ about: 'group', value: { epoch, metadataHash } })
    for (const [memberId, hand] of hands) {
      const before = group.members.get(memberId)
      if (!before || !isSameAssignment(before.target, hand)) this.add({ about: 'target', memberId, value: hand })
    }
    this.add({ about: 'targetEpoch', value: { epoch } })
    this.#keep(topics)
    return hands
  }

  /** The progress of every partition that is assigned is kept, also when nobody is left to read it. */
  #keep(topics: SubscribedTopics): void {
    const kept = new Map<Uuid, KeptTopic>(this.#group.kept)
    let isChanged = false
    for (const [topicName, { id, partitions }] of topics) {
      if ((kept.get(id)?.partitions.length ?? 0) >= partitions) continue
      kept.set(id, { topicName, partitions: Array.from({ length: partitions }, (_, i) => i) })
      isChanged = true
    }
    if (isChanged) this.add({ about: 'kept', value: kept })
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type SubscribedTopics = ReadonlyMap<string, { readonly id: Uuid; readonly partitions: number }>

function subscribedTopics(members: ReadonlyMap<string, MemberInfo>, around: ShareSurroundings): SubscribedTopics {
  const names = new Set<string>()
  for (const { topics } of members.values()) for (const name of topics) names.add(name)
  const topics = new Map<string, { readonly id: Uuid; readonly partitions: number }>()
  for (const name of [...names].sort()) {
    const topic = around.topic(name)
    if (topic) topics.set(name, topic)
  }
  return topics
}

const idsOf = ({ topics: names }: MemberInfo, topics: SubscribedTopics): Uuid[] =>
  names.flatMap(name => topics.get(name)?.id ?? [])

const encoder = new TextEncoder()

function hashOf(topics: SubscribedTopics): bigint {
  return topics.size === 0 ? 0n : BigInt(crc32c(encoder.encode(JSON.stringify([...topics]))))
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i])

const isSameInfo = (a: MemberInfo, b: MemberInfo): boolean =>
  a.rackId === b.rackId && a.clientId === b.clientId && a.clientHost === b.clientHost && isSameList(a.topics, b.topics)
