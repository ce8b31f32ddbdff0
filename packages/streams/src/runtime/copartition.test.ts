import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onlyBytes } from '../dsl/only-bytes.ts'
import { internalTopic, userTopic } from '../topology/node-spec.ts'
import { Topology } from '../topology/topology.ts'
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
    const made = internalTopics(joined(), 'app', topic => ({ from: 4, with: width })[topic]!)
    assert.deepEqual(
      made.map(({ name, partitions }) => [name, partitions]),
      [['app-by', width]],
    )
  }
})

test("a number that was given must fit, and so must the user's topics", () => {
  assert.throws(
    () => internalTopics(joined(5), 'app', () => 4),
    /joined must have equal numbers of partitions: 'by' has 5, 'with' has 4/,
  )
  const topology = new Topology()
  topology.add({ kind: 'source', name: 'a', topics: [userTopic('left')], ...bytes })
  topology.add({ kind: 'source', name: 'b', topics: [userTopic('right')], ...bytes })
  topology.copartition(['a', 'b'])
  assert.throws(() => internalTopics(topology, 'app', topic => topic.length), /'left' has 4, 'right' has 5/)
})
