import { DecodeError, ErrorCodes } from '@odradek/protocol'
import { refuse } from '../../refusal.ts'
import { classicTombstone } from '../classic/classic-records.ts'
import type { Group, Member } from '../classic/group.ts'
import { ownedSince, type TopicPartitions } from '../topic-partitions.ts'
import { topicsHash } from '../topics-view.ts'
import { readAssignment, readSubscription } from './consumer-protocol.ts'
import type { ConsumerTurn } from './consumer-turn.ts'

/**
 * A classic group of consumers, into which somebody comes with the new protocol, is a consumer group from then on. Its members keep
 * what they have, in the generation they are in, and go on in the classic protocol; an empty group leaves nothing but its offsets.
 */
export function upgrade(turn: ConsumerTurn, classic: Group): void {
  const { settings, group } = turn
  turn.also(classicTombstone(classic.id))
  if (classic.state === 'Empty') return
  const cannot = (because: string) =>
    refuse(
      ErrorCodes.GROUP_ID_NOT_FOUND,
      `Cannot upgrade classic group ${classic.id} to consumer group because ${because}.`,
    )
  if (settings.migration === 'disabled' || settings.migration === 'downgrade') cannot('online upgrade is disabled')
  if (classic.protocolType !== 'consumer') cannot('the group does not use the consumer embedded protocol')
  if (classic.members.size > settings.maxSize) cannot('the group size exceeds the consumer group maximum size')
  const epoch = classic.generation
  const names = new Set<string>()
  for (const member of classic.members.values()) {
    const { topicNames, rackId, assigned } = read(turn, classic, member, cannot)
    for (const name of topicNames) names.add(name)
    takeIn(turn, member, { topicNames, rackId, assigned, epoch })
  }
  turn.write({ type: 'target-epoch', value: epoch })
  turn.write({ type: 'group', value: { epoch, metadataHash: topicsHash(names, turn.topics) } })
  group.topicsVersion = -1
}

interface Read {
  readonly topicNames: readonly string[]
  readonly rackId: string | null
  readonly assigned: TopicPartitions
}

function read({ topics }: ConsumerTurn, classic: Group, member: Member, cannot: (because: string) => never): Read {
  const protocol = member.protocols.find(({ name }) => name === classic.protocolName) ?? member.protocols[0]!
  try {
    const assigned = readAssignment(member.assignment, topics)
    if (assigned === null) return cannot('an unsupported custom assignor is in use')
    return { ...readSubscription(protocol.metadata, topics), assigned }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return cannot('the embedded consumer protocol is malformed')
  }
}

function takeIn(
  turn: ConsumerTurn,
  member: Member,
  { topicNames, rackId, assigned, epoch }: Read & { epoch: number },
): void {
  const { id: memberId, sessionTimeoutMs, protocols } = member
  const value = {
    instanceId: member.instanceId,
    rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    topicNames,
    topicRegex: '',
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: null,
    classic: { sessionTimeoutMs, protocols },
  }
  // An assignor gone wrong may have given one partition to two; the first keeps it.
  const own = new Map<string, Set<number>>()
  for (const [topicId, partitions] of assigned)
    own.set(topicId, new Set([...partitions].filter(partition => turn.group.ownerOf(topicId, partition) === undefined)))
  const current = {
    state: 'stable',
    epoch,
    previousEpoch: epoch,
    assigned: ownedSince(own, epoch),
    revoking: new Map(),
  }
  turn.write({ type: 'member', memberId, value })
  turn.write({ type: 'target', memberId, value: own })
  turn.write({ type: 'current', memberId, value: { ...current, state: 'stable' } })
  turn.deadline(`session:${memberId}`, sessionTimeoutMs)
}
