import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '@odradek/protocol'
import { onlyBytes } from '../dsl/only-bytes.ts'
import { internalTopic, userTopic } from '../topology/node-spec.ts'
import { Topology } from '../topology/topology.ts'
import { copartitionGroups } from './copartition.ts'
import { internalTopics } from './internal-topics.ts'

const bytes = { key: onlyBytes, value: onlyBytes }

/** `from` is written to a repartition topic, which is joined with `with`. */
function joined(partitions?: number): Topology {
  const topology = new Topology()
  topology.add({ kind: 'source', name: 'one', topics: [userTopic('from')], ...bytes })
  topology.add({ kind: 'sink', name: 'sink', parents: ['one'], topic: internalTopic('by', partitions), ...bytes })
  topology.add({ kind: 'source', name: 'two', topics: [internalTopic('by', partitions)], ...bytes })
  topology.add({ kind: 'source', name: 'three', topics: [userTopic('with')], ...bytes })
  const process = () => {}
  topology.add({ kind: 'processor', name: 'join', parents: ['two', 'three'], make: () => ({ process }) })
  topology.copartition(['two', 'three'])
  return topology
}

test('a repartition topic is as wide as what it is joined with (streams facts 2.27)', () => {
  for (const width of [2, 9]) {
    const made = internalTopics(joined(), 'app', { widths: topic => ({ from: 4, with: width })[topic]! })
    assert.deepEqual(
      made.map(({ name, partitions }) => [name, partitions]),
      [['app-by', width]],
    )
  }
})

test("a number that was given must fit, and so must the user's topics", () => {
  assert.throws(
    () => internalTopics(joined(5), 'app', { widths: () => 4 }),
    /joined must have equal numbers of partitions: 'by' has 5 \(read by two\); 'with' has 4 \(read by three\)\./,
  )
  const topology = new Topology()
  topology.add({ kind: 'source', name: 'a', topics: [userTopic('left')], ...bytes })
  topology.add({ kind: 'source', name: 'b', topics: [userTopic('right')], ...bytes })
  topology.copartition(['a', 'b'])
  assert.throws(
    () => internalTopics(topology, 'app', { widths: topic => topic.length }),
    /'left' has 4 \(read by a\); 'right' has 5 \(read by b\)/,
  )
})

/** Each pair of topics is joined. */
function joinedPairs(...pairs: (readonly [string, string])[]): Topology {
  const topology = new Topology()
  for (const name of new Set(pairs.flat())) {
    const topics = [name === 'by' ? internalTopic(name) : userTopic(name)]
    topology.add({ kind: 'source', name: `read-${name}`, topics, ...bytes })
  }
  for (const [i, pair] of pairs.entries()) {
    const parents = pair.map(name => `read-${name}`)
    topology.add({ kind: 'processor', name: `join-${i}`, parents, make: () => ({ process() {} }) })
    topology.copartition(parents)
  }
  return topology
}

test('groups that share a topic are one, in whatever order they were declared (streams facts 2.27)', () => {
  const topology = joinedPairs(['a', 'b'], ['c', 'd'], ['e', 'f'], ['d', 'b'])
  const groups = copartitionGroups(topology).map(group => group.map(({ node }) => node))
  assert.deepEqual(groups, [
    ['read-e', 'read-f'],
    ['read-a', 'read-b', 'read-c', 'read-d'],
  ])
})

test('what is joined with the same must be equal, whichever pair says so: the error names every topic and node', () => {
  const topology = joinedPairs(['a', 'by'], ['by', 'b'])
  topology.add({ kind: 'source', name: 'feed', topics: [userTopic('feed')], ...bytes })
  topology.add({ kind: 'sink', name: 'sink', parents: ['feed'], topic: internalTopic('by'), ...bytes })
  const widths = (b: number) => internalTopics(topology, 'app', { widths: topic => ({ a: 3, feed: 9, b })[topic]! })
  assert.deepEqual(
    widths(3).map(({ partitions }) => partitions),
    [3],
  )
  assert.throws(
    () => widths(4),
    new UsageError(
      "Topics that are joined must have equal numbers of partitions: 'a' has 3 (read by read-a); 'by' has 3 (read by read-by); " +
        "'b' has 4 (read by read-b). Give them the same number, or bring one to the other's with repartition({ partitions }).",
    ),
  )
})
