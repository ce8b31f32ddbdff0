/** Groups of every kind: who they are, who is in them, how far they have read, and moving that. */
import {
  DeleteGroups,
  ErrorCodes,
  LeaveGroup,
  ListGroups,
  ProtocolError,
  StreamsGroupHeartbeat,
} from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { PartitionItem } from './by-leader.ts'
import { askCoordinator } from './group-coordinator.ts'
import { type DescribedMember, describeGroup, type GroupDescription } from './group-description.ts'
import {
  byPlace,
  commitOffsets,
  fetchOffsets,
  type GroupOffset,
  type NewGroupOffset,
  removeOffsets,
} from './group-offsets.ts'
import { noSuchTopic } from './missing.ts'
import { type OffsetMove, planMove, type ResetTarget } from './offset-plan.ts'
import { listOffsets } from './offsets.ts'
import { type AdminCallOptions, settleEach } from './settle-each.ts'
import { alterShareOffsets, fetchShareOffsets, removeShareOffsets } from './share-group-offsets.ts'

export interface GroupListing {
  readonly groupId: string
  readonly protocolType: string
  /** '' where the broker is too old to say. */
  readonly state: string
  readonly type: string
}

export interface PartitionLag extends PartitionItem {
  /** Null: nothing was committed. */
  readonly committed: number | null
  readonly end: number
  /** Null when nothing was committed. */
  readonly lag: number | null
  /** Who reads the partition now. */
  readonly member: DescribedMember | null
}

export class GroupsAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Of all brokers, by name. */
  async list({
    states = [],
    signal,
  }: AdminCallOptions & { readonly states?: readonly string[] } = {}): Promise<GroupListing[]> {
    await this.#cluster.retrying({ signal }, () => this.#cluster.describe([], { signal }))
    const listings = await settleEach(this.#cluster, [...this.#cluster.brokers.keys()], { signal }, nodes =>
      Promise.all(
        nodes.map(async item => {
          try {
            const response = await this.#cluster.call(item, ListGroups, { statesFilter: states }, { signal })
            if (response.errorCode !== ErrorCodes.NONE)
              throw new ProtocolError(response.errorCode, { api: ListGroups.name })
            return { item, result: response.groups }
          } catch (error) {
            return { item, error: error as Error }
          }
        }),
      ),
    )
    const rows = listings
      .flat()
      .map(g => ({ groupId: g.groupId, protocolType: g.protocolType, state: g.groupState, type: g.groupType }))
    return rows.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  describe(groupId: string, options: AdminCallOptions = {}): Promise<GroupDescription> {
    return describeGroup(this.#cluster, groupId, options)
  }

  /** Groups must have no members. */
  async delete(groupIds: string | readonly string[], { signal }: AdminCallOptions = {}): Promise<void> {
    const wanted = typeof groupIds === 'string' ? [groupIds] : groupIds
    const deleted = wanted.map(groupId =>
      askCoordinator(this.#cluster, groupId, DeleteGroups, { groupsNames: [groupId] }, r => r.results[0]!.errorCode, {
        signal,
      }),
    )
    const failed = (await Promise.allSettled(deleted))
      .filter(result => result.status === 'rejected')
      .map(({ reason }) => reason)
    if (failed.length === 1) throw failed[0]
    if (failed.length > 1)
      throw new AggregateError(
        failed,
        `${failed.length} of ${wanted.length} groups were not deleted; the first: ${failed[0].message}`,
      )
  }

  /** What the group has committed; of a share group, where it begins. */
  async offsets(groupId: string, options: AdminCallOptions = {}): Promise<GroupOffset[]> {
    if (await this.#isShared(groupId, options)) return fetchShareOffsets(this.#cluster, groupId, options)
    return fetchOffsets(this.#cluster, groupId, options)
  }

  /** For groups without members; `offset` is the next one to read. */
  async setOffsets(groupId: string, offsets: readonly NewGroupOffset[], options: AdminCallOptions = {}): Promise<void> {
    if (await this.#isShared(groupId, options)) return alterShareOffsets(this.#cluster, groupId, offsets, options)
    return commitOffsets(this.#cluster, groupId, offsets, options)
  }

  /** A share group forgets whole topics. */
  async deleteOffsets(
    groupId: string,
    partitions: readonly PartitionItem[],
    options: AdminCallOptions = {},
  ): Promise<void> {
    if (await this.#isShared(groupId, options)) return removeShareOffsets(this.#cluster, groupId, partitions, options)
    return removeOffsets(this.#cluster, groupId, partitions, options)
  }

  /** Moves a group's offsets, of one topic or of all it has committed, and tells from where to where. With `dryRun` only tells. */
  async resetOffsets(
    groupId: string,
    what: { readonly topic?: string; readonly partitions?: readonly number[]; readonly to: ResetTarget },
    { dryRun = false, signal }: AdminCallOptions & { readonly dryRun?: boolean } = {},
  ): Promise<OffsetMove[]> {
    const committed = await this.offsets(groupId, { signal })
    const chosen = await this.#choose(committed, what, signal)
    const { to } = what
    const isTime = typeof to === 'object' && 'timestamp' in to
    const [earliest, latest, timed] = await Promise.all([
      listOffsets(this.#cluster, chosen, 'earliest', { signal }),
      listOffsets(this.#cluster, chosen, 'latest', { signal }),
      isTime ? listOffsets(this.#cluster, chosen, to, { signal }) : [],
    ])
    const plan = chosen.map((place, i) => {
      const known = committed.find(c => byPlace(c, place) === 0)?.offset ?? null
      const span = {
        ...place,
        earliest: earliest[i]!.offset,
        latest: latest[i]!.offset,
        atTime: timed[i]?.offset ?? -1,
        committed: known,
      }
      return planMove(span, to)
    })
    const moves = plan.map(({ topic, partition, to: offset }) => ({ topic, partition, offset }))
    if (!dryRun && moves.length > 0) await this.setOffsets(groupId, moves, { signal })
    return plan
  }

  /**
   * For each partition that the group has committed or reads: how many records are still ahead; of a share group, how many are not done
   * with.
   */
  async lag(groupId: string, { signal }: AdminCallOptions = {}): Promise<PartitionLag[]> {
    const { members, type } = await this.describe(groupId, { signal })
    const committed: readonly (GroupOffset & { readonly lag?: number })[] =
      type === 'share'
        ? await fetchShareOffsets(this.#cluster, groupId, { signal })
        : await fetchOffsets(this.#cluster, groupId, { signal })
    const readers = new Map(members.flatMap(member => member.assignment.map(place => [keyOf(place), member] as const)))
    const places = new Map<string, PartitionItem>()
    for (const { topic, partition } of [...committed, ...members.flatMap(m => m.assignment)])
      places.set(keyOf({ topic, partition }), { topic, partition })
    const known = await this.#existing([...places.values()].sort(byPlace), signal)
    const ends = await listOffsets(this.#cluster, known, 'latest', { signal })
    return ends.map(({ topic, partition, offset: end }) => {
      const found = committed.find(c => c.topic === topic && c.partition === partition)
      const told = found?.lag !== undefined && found.lag >= 0 ? found.lag : undefined
      const lag = found === undefined ? null : (told ?? Math.max(0, end - found.offset))
      const member = readers.get(keyOf({ topic, partition })) ?? null
      return { topic, partition, committed: found?.offset ?? null, end, lag, member }
    })
  }

  /**
   * Ends memberships, so that a group goes on without members that hang. Static members may be named by their instance alone, those of a
   * streams group (KIP-1071) only by their ids.
   */
  async removeMembers(
    groupId: string,
    members: readonly { readonly memberId?: string; readonly groupInstanceId?: string | null }[],
    { signal }: AdminCallOptions = {},
  ): Promise<void> {
    const [first] = members
    if (!first) return
    const { type } = await this.describe(groupId, { signal })
    if (type === 'streams') return this.#leaveFor(groupId, members, signal)
    const rows = members.map(({ memberId = '', groupInstanceId = null }) => ({
      memberId,
      groupInstanceId,
      reason: 'removed by an administrator',
    }))
    const codeOf = (r: { errorCode: number; members: { errorCode: number }[] }) =>
      r.errorCode || (r.members.find(m => m.errorCode !== 0)?.errorCode ?? 0)
    await askCoordinator(
      this.#cluster,
      groupId,
      LeaveGroup,
      { groupId, memberId: first.memberId ?? '', members: rows },
      codeOf,
      { signal },
    )
  }

  /** Says for members of a streams group what they would say themselves: other tools have no request of their own for it. */
  async #leaveFor(
    groupId: string,
    members: readonly { readonly memberId?: string }[],
    signal: AbortSignal | undefined,
  ) {
    for (const { memberId = '' } of members) {
      const leaving = { groupId, memberId, memberEpoch: -1, endpointInformationEpoch: -1 }
      await askCoordinator(this.#cluster, groupId, StreamsGroupHeartbeat, leaving, r => r.errorCode, { signal })
    }
  }

  async #isShared(groupId: string, options: AdminCallOptions): Promise<boolean> {
    return (await describeGroup(this.#cluster, groupId, options)).type === 'share'
  }

  async #choose(
    committed: readonly GroupOffset[],
    { topic, partitions }: { readonly topic?: string; readonly partitions?: readonly number[] },
    signal: AbortSignal | undefined,
  ): Promise<PartitionItem[]> {
    if (topic === undefined) return this.#existing(committed, signal)
    await this.#cluster.describe([topic], { signal })
    const known = this.#cluster.topic(topic)
    if (!known) throw noSuchTopic(topic)
    return (partitions ?? known.partitions.map(({ partition }) => partition)).map(partition => ({ topic, partition }))
  }

  /** Without those whose topic has been deleted since. */
  async #existing(places: readonly PartitionItem[], signal: AbortSignal | undefined): Promise<PartitionItem[]> {
    const names = [...new Set(places.map(({ topic }) => topic))]
    if (names.length > 0) await this.#cluster.retrying({ signal }, () => this.#cluster.describe(names, { signal }))
    return places
      .filter(({ topic, partition }) => this.#cluster.topic(topic)?.partitions[partition])
      .map(({ topic, partition }) => ({ topic, partition }))
  }
}

function keyOf({ topic, partition }: PartitionItem): string {
  return `${topic}-${partition}`
}
