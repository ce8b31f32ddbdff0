import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyOf, type TopicPartition } from '../topic-partition.ts'
import type { Assignments, Assignor, GroupMember, GroupView } from './assignor.ts'
import { cooperativeSticky } from './cooperative-sticky.ts'
import { allPartitions } from './group-view.ts'
import { range } from './range.ts'
import { roundRobin } from './round-robin.ts'
import { encodeStickyUserData, sticky } from './sticky.ts'

type Group = { members: GroupMember[]; counts: Record<string, number> }

const topicNames = ['a', 'b', 'c', 'd-1'] as const

const member = (memberId: string, topics: readonly string[]): GroupMember => ({
  memberId,
  groupInstanceId: null,
  topics,
  owned: [],
  generation: -1,
  rackId: null,
  userData: null,
})

const view = ({ members, counts }: Group): GroupView => ({ members, partitionsOf: topic => counts[topic] ?? 0 })

const groups = (sameTopics: boolean): fc.Arbitrary<Group> =>
  fc
    .record({
      counts: fc.record({ a: fc.nat(12), b: fc.nat(12), c: fc.nat(3), 'd-1': fc.nat(7) }),
      wishes: fc.array(fc.subarray([...topicNames], { minLength: 1 }), { minLength: 1, maxLength: 7 }),
    })
    .map(({ counts, wishes }) => ({
      counts,
      members: wishes.map((topics, i) => member(`m${i}`, sameTopics ? wishes[0]! : topics)),
    }))

function assertEachGivenOnce(group: GroupView, assignments: Assignments): void {
  const given = new Map<string, string>()
  for (const [memberId, { partitions }] of assignments) {
    const { topics } = group.members.find(m => m.memberId === memberId)!
    for (const at of partitions) {
      assert(!given.has(keyOf(at)), `${keyOf(at)} is given twice`)
      assert(topics.includes(at.topic), `${memberId} did not ask for ${at.topic}`)
      given.set(keyOf(at), memberId)
    }
  }
  assert.deepEqual([...given.keys()].sort(), allPartitions(group).map(keyOf).sort())
}

/** No partition could move and make two members more even. */
function assertBalanced(group: GroupView, assignments: Assignments): void {
  for (const owner of group.members) {
    const { partitions } = assignments.get(owner.memberId)!
    for (const other of group.members) {
      const gap = partitions.length - assignments.get(other.memberId)!.partitions.length
      assert(
        gap < 2 || !partitions.some(at => other.topics.includes(at.topic)),
        `${owner.memberId} has ${gap} too many`,
      )
    }
  }
}

const assign = (assignor: Assignor, group: GroupView): Assignments => {
  const assignments = assignor.assign(group)
  assert(assignments instanceof Map)
  return assignments
}

for (const make of [() => range, () => roundRobin, sticky, cooperativeSticky]) {
  test(`${make().name} gives every partition to exactly one member that asked for its topic`, () => {
    fc.assert(fc.property(groups(false), group => assertEachGivenOnce(view(group), assign(make(), view(group)))))
  })
}

for (const make of [() => roundRobin, sticky, cooperativeSticky]) {
  test(`${make().name} is balanced when all members want the same`, () => {
    fc.assert(fc.property(groups(true), group => assertBalanced(view(group), assign(make(), view(group)))))
  })
}

for (const make of [sticky, cooperativeSticky]) {
  test(`${make().name} is balanced whoever wants what`, () => {
    fc.assert(fc.property(groups(false), group => assertBalanced(view(group), assign(make(), view(group)))))
  })
}

test('range spreads each topic evenly and in runs', () => {
  fc.assert(
    fc.property(groups(true), group => {
      const assignments = assign(range, view(group))
      for (const topic of group.members[0]!.topics) {
        const runs = [...assignments.values()].map(a => a.partitions.filter(at => at.topic === topic))
        const sizes = runs.map(run => run.length)
        assert(Math.max(...sizes) - Math.min(...sizes) <= 1)
        for (const run of runs) for (const [i, at] of run.entries()) assert.equal(at.partition, run[0]!.partition + i)
      }
    }),
  )
})

const remembering = (group: Group, before: Assignments, generation: number): Group => ({
  ...group,
  members: group.members.map(m => {
    const owned = before.get(m.memberId)?.partitions ?? []
    return { ...m, owned, generation, userData: encodeStickyUserData(owned, generation) }
  }),
})

/** Sticky under the eager protocol reads its user data, cooperative-sticky the subscription: both are filled in. */
const owners = (assignments: Assignments): Map<string, string> =>
  new Map(Array.from(assignments).flatMap(([id, a]) => a.partitions.map(at => [keyOf(at), id] as const)))

test('sticky changes nothing when nothing changed', () => {
  fc.assert(
    fc.property(groups(false), group => {
      const before = assign(sticky(), view(group))
      assert.deepEqual(owners(assign(sticky(), view(remembering(group, before, 3)))), owners(before))
    }),
  )
})

test('when a member leaves, sticky moves only what it had', () => {
  fc.assert(
    fc.property(groups(true), group => {
      fc.pre(group.members.length > 1)
      const before = assign(sticky(), view(group))
      const [gone, ...left] = group.members
      const after = owners(assign(sticky(), view(remembering({ ...group, members: left }, before, 3))))
      for (const [at, owner] of owners(before)) if (owner !== gone!.memberId) assert.equal(after.get(at), owner)
    }),
  )
})

test('when a member comes, sticky moves only to it, and no more than its share', () => {
  fc.assert(
    fc.property(groups(true), group => {
      const before = assign(sticky(), view(group))
      const joined = { ...group, members: [...group.members, member('zz', group.members[0]!.topics)] }
      const after = assign(sticky(), view(remembering(joined, before, 3)))
      const afterOwners = owners(after)
      for (const [at, owner] of owners(before))
        assert([owner, 'zz'].includes(afterOwners.get(at)!), `${at} moved aside`)
      assertBalanced(view(joined), after)
    }),
  )
})

test('cooperative-sticky never gives a partition to one member while another owns it', () => {
  const claims = fc.array(
    fc.tuple(fc.nat(6), fc.constantFrom(...topicNames), fc.nat(11), fc.integer({ min: -1, max: 3 })),
    {
      maxLength: 20,
    },
  )
  fc.assert(
    fc.property(groups(false), claims, (group, claimed) => {
      const members = group.members.map((m, i): GroupMember => {
        const mine = claimed.filter(([who]) => who === i)
        const owned = mine.map(([, topic, partition]): TopicPartition => ({ topic, partition }))
        return { ...m, owned, generation: mine[0]?.[3] ?? -1 }
      })
      for (const [memberId, { partitions }] of assign(cooperativeSticky(), view({ ...group, members }))) {
        const mine = new Set(members.find(m => m.memberId === memberId)!.owned.map(keyOf))
        for (const at of partitions) {
          if (mine.has(keyOf(at))) continue
          assert(!members.some(m => m.owned.some(o => keyOf(o) === keyOf(at))), `${keyOf(at)} is still owned`)
        }
      }
    }),
  )
})

test('cooperative-sticky settles: rejoining members reach a balanced whole in a few rounds', () => {
  fc.assert(
    fc.property(groups(true), fc.integer({ min: 1, max: 3 }), (group, newcomers) => {
      const topics = group.members[0]!.topics
      const newMembers = Array.from({ length: newcomers }, (_, i) => member(`z${i}`, topics))
      let assignments = assign(cooperativeSticky(), view(group))
      const grown = { ...group, members: [...group.members, ...newMembers] }
      for (let round = 0; round < 2; round++) {
        assignments = assign(cooperativeSticky(), view(remembering(grown, assignments, 5 + round)))
      }
      assertEachGivenOnce(view(grown), assignments)
      assertBalanced(view(grown), assignments)
    }),
  )
})
