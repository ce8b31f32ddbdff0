/**
 * The idea shared by sticky and cooperative-sticky: everybody keeps what they had, orphans go to whoever has least, and then single
 * partitions move from a member that has at least two more to one that may take them, until no such pair is left.
 *
 * Every move lowers the sum of the squared loads, so it ends. When it ends no move could even out two members further, which is what
 * balanced means also where members subscribe to different topics.
 */
import { byTopicAndPartition, keyOf, type TopicPartition } from '../topic-partition.ts'
import type { GroupMember, GroupView } from './assignor.ts'
import { allPartitions, inStableOrder } from './group-view.ts'

/** What a member says it had, and in which generation it got it. */
export interface Claim {
  memberId: string
  partitions: readonly TopicPartition[]
  generation: number
}

interface Share {
  member: GroupMember
  topics: ReadonlySet<string>
  partitions: Set<TopicPartition>
}

/** Partitions by member id. */
export function balance(group: GroupView, claims: readonly Claim[]): Map<string, TopicPartition[]> {
  const shares = inStableOrder(group.members).map(
    (member): Share => ({ member, topics: new Set(member.topics), partitions: new Set() }),
  )
  const all = allPartitions(group)
  const takers = takersByTopic(shares)
  const owners = settleClaims(all, shares, claims)
  // Those that few may take go first, or their only takers might already be full of others.
  const scarceFirst = all.toSorted((a, b) => takers.get(a.topic)!.length - takers.get(b.topic)!.length)
  for (const at of scarceFirst) {
    if (owners.has(at)) continue
    const taker = leastLoaded(takers.get(at.topic)!)
    taker.partitions.add(at)
    owners.set(at, taker)
  }
  evenOut(all, owners, takers)
  return new Map(shares.map(share => [share.member.memberId, [...share.partitions].sort(byTopicAndPartition)]))
}

/** The claim of the younger generation holds; of two claims from one generation neither does, for one of them must be mistaken. */
function settleClaims(
  all: readonly TopicPartition[],
  shares: readonly Share[],
  claims: readonly Claim[],
): Map<TopicPartition, Share> {
  const byMember = new Map(shares.map(share => [share.member.memberId, share]))
  const best = new Map<string, { share: Share; generation: number; disputed: boolean }>()
  for (const { memberId, partitions, generation } of claims) {
    const share = byMember.get(memberId)
    for (const at of partitions) {
      if (!share?.topics.has(at.topic)) continue
      const other = best.get(keyOf(at))
      if (!other || generation > other.generation) best.set(keyOf(at), { share, generation, disputed: false })
      else if (generation === other.generation && other.share !== share) other.disputed = true
    }
  }
  const owners = new Map<TopicPartition, Share>()
  for (const at of all) {
    const claim = best.get(keyOf(at))
    if (!claim || claim.disputed) continue
    claim.share.partitions.add(at)
    owners.set(at, claim.share)
  }
  return owners
}

function takersByTopic(shares: readonly Share[]): Map<string, Share[]> {
  const takers = new Map<string, Share[]>()
  for (const share of shares) {
    for (const topic of share.topics) {
      const others = takers.get(topic)
      if (others) others.push(share)
      else takers.set(topic, [share])
    }
  }
  return takers
}

function leastLoaded(shares: readonly Share[]): Share {
  return shares.reduce((least, share) => (share.partitions.size < least.partitions.size ? share : least))
}

function evenOut(
  all: readonly TopicPartition[],
  owners: Map<TopicPartition, Share>,
  takers: ReadonlyMap<string, readonly Share[]>,
): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const at of all) {
      const owner = owners.get(at)!
      const taker = leastLoaded(takers.get(at.topic)!)
      if (owner.partitions.size - taker.partitions.size < 2) continue
      owner.partitions.delete(at)
      taker.partitions.add(at)
      owners.set(at, taker)
      moved = true
    }
  }
}
