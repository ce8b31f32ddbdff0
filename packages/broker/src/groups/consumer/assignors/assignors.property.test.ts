import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { holds, placesIn, type TopicPartitions } from '../../topic-partitions.ts'
import { type Assignments, type AssignorSpec, assignors, electedAssignor } from './assignor.ts'

interface Case {
  /** Partitions of each topic. */
  readonly topics: readonly number[]
  /** Indexes of topics, per member. */
  readonly members: readonly (readonly number[])[]
}

const topicId = (index: number) => `topic-${String(index).padStart(2, '0')}`
const caseOf = (isHomogeneous: boolean): fc.Arbitrary<Case> =>
  fc
    .record({
      topics: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
      members: fc.array(fc.uniqueArray(fc.nat(4), { maxLength: 5 }), { minLength: 1, maxLength: 7 }),
    })
    .map(({ topics, members }) => ({
      topics,
      members: members.map(wanted => (isHomogeneous ? members[0]! : wanted).filter(index => index < topics.length)),
    }))

function specOf({ topics, members }: Case, before?: Assignments): AssignorSpec {
  const entries = members.map((wanted, i) => {
    const id = `member-${i}`
    return [id, { topics: wanted.map(topicId).sort(), before: before?.get(id) ?? new Map() }] as const
  })
  return { members: new Map(entries), partitionsOf: id => topics[Number(id.slice(6))]! }
}

/** Every partition that somebody wants belongs to exactly one who wants it. */
function assertComplete(spec: AssignorSpec, dealt: Assignments): void {
  const owners = new Map<string, string>()
  for (const [id, places] of dealt) {
    for (const [topic, partitions] of places) {
      assert.ok(spec.members.get(id)!.topics.includes(topic), `${id} does not want ${topic}`)
      for (const partition of partitions) {
        assert.ok(partition < spec.partitionsOf(topic), `${topic} has no partition ${partition}`)
        assert.ok(!owners.has(`${topic}-${partition}`), `${topic}-${partition} twice`)
        owners.set(`${topic}-${partition}`, id)
      }
    }
  }
  const wanted = new Set([...spec.members.values()].flatMap(({ topics }) => topics))
  for (const topic of wanted)
    for (let i = 0; i < spec.partitionsOf(topic); i++) assert.ok(owners.has(`${topic}-${i}`), `${topic}-${i} left over`)
  assert.equal(dealt.size, spec.members.size)
}

const loads = (dealt: Assignments) => [...dealt.values()].map(placesIn)

function stayed(before: Assignments, after: Assignments): number {
  let count = 0
  for (const [id, places] of before)
    for (const [topic, partitions] of places)
      for (const partition of partitions) if (holds(after.get(id) ?? new Map(), topic, partition)) count++
  return count
}

for (const [name, assign] of assignors) {
  for (const isHomogeneous of [true, false]) {
    const kind = isHomogeneous ? 'the same topics' : 'different topics'
    test(`${name} deals everything out exactly once, to members who want ${kind}`, () => {
      fc.assert(
        fc.property(caseOf(isHomogeneous), caseOf(isHomogeneous), (first, second) => {
          const one = assign(specOf(first))
          assertComplete(specOf(first), one)
          const spec = specOf(second, one)
          assertComplete(spec, assign(spec))
        }),
        { numRuns: 300 },
      )
    })

    test(`${name} moves nothing when nothing has changed, with ${kind}`, () => {
      fc.assert(
        fc.property(caseOf(isHomogeneous), deal => {
          const one = assign(specOf(deal))
          assert.deepEqual(assign(specOf(deal, one)), one)
        }),
        { numRuns: 200 },
      )
    })
  }
}

test('uniform gives nobody two partitions more than another, and moves no more than that takes', () => {
  fc.assert(
    fc.property(caseOf(true), fc.integer({ min: 1, max: 7 }), (deal, size) => {
      const assign = assignors.get('uniform')!
      const one = assign(specOf(deal))
      const next = { ...deal, members: Array.from({ length: size }, () => deal.members[0]!) }
      const two = assign(specOf(next, one))
      assert.ok(Math.max(...loads(two)) - Math.min(...loads(two)) <= 1)
      // Who stays keeps all it may: its share, and the odd ones stay where there are any.
      const total = loads(two).reduce((sum, load) => sum + load, 0)
      const share = Math.floor(total / size)
      let extras = total % size
      let mayStay = 0
      for (const load of loads(one).slice(0, size))
        mayStay += Math.min(load, load > share && extras-- > 0 ? share + 1 : share)
      assert.equal(stayed(one, two), mayStay)
    }),
    { numRuns: 300 },
  )
})

test('uniform is as even as wishes allow: nobody has two more than one who could take one of them, however far around', () => {
  fc.assert(
    fc.property(caseOf(false), caseOf(false), (first, second) => {
      const assign = assignors.get('uniform')!
      const spec = specOf(second, assign(specOf(first)))
      const dealt = assign(spec)
      for (const [id, places] of dealt) {
        const reachable = reach(spec, dealt, id)
        for (const other of reachable)
          assert.ok(placesIn(dealt.get(other)!) >= placesIn(places) - 1, `${id} could relieve itself by ${other}`)
      }
    }),
    { numRuns: 300 },
  )
})

/** Members that partitions of `start` can get to, by way of others. */
function reach(spec: AssignorSpec, dealt: Assignments, start: string): Set<string> {
  const found = new Set([start])
  for (const id of found)
    for (const topic of dealt.get(id)!.keys())
      for (const [other, { topics }] of spec.members) if (topics.includes(topic)) found.add(other)
  return found
}

test('range gives a member the same partitions of all topics that have as many, through every change', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), steps, (partitions, sizes) => {
      let dealt: Assignments | undefined
      for (const size of sizes) {
        const deal = {
          topics: [partitions, partitions, partitions],
          members: Array.from({ length: size }, () => [0, 1, 2]),
        }
        dealt = assignors.get('range')!(specOf(deal, dealt))
        for (const places of dealt.values()) {
          const [first, ...others] = [0, 1, 2].map(index => [...(places.get(topicId(index)) ?? [])].sort())
          for (const other of others) assert.deepEqual(other, first)
          assert.ok(first!.length === Math.floor(partitions / size) || first!.length === Math.ceil(partitions / size))
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('range deals a fresh group ranges', () => {
  const dealt = assignors.get('range')!(specOf({ topics: [7], members: [[0], [0], [0]] }))
  assert.deepEqual(
    [...dealt.values()].map((places: TopicPartitions) => [...places.get(topicId(0))!]),
    [
      [0, 1, 2],
      [3, 4],
      [5, 6],
    ],
  )
})

test('the assignor most members ask for is taken, the first one offered among equals, and some even when none is offered', () => {
  const offered = ['uniform', 'range']
  assert.equal(electedAssignor([null, null], offered), 'uniform')
  assert.equal(electedAssignor(['range', null, null], offered), 'range')
  assert.equal(electedAssignor(['range', 'uniform', null], offered), 'uniform')
  assert.equal(electedAssignor(['range', 'uniform', 'range'], offered), 'range')
  assert.equal(electedAssignor(['gone', 'gone', 'range'], offered), 'range')
  assert.equal(electedAssignor([null], []), 'uniform')
})
