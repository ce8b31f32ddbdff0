/** How many partitions an application's own topics get, as a table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../refusal.ts'
import { MisfitTopics, partitionCounts } from './partition-counts.ts'
import { type Subtopology, topologyOf } from './topology.ts'

/** 'a,b > r | r > s | s(4) ! c': sources > sinks ! changelogs; in brackets a number of partitions the application asks for. */
function topology(text: string, together: readonly string[] = []) {
  const sinks = new Set(text.match(/(?<=> *)[\w,]+/g)?.flatMap(names => names.split(',')))
  const subtopologies = text.split('|').map((part, i): Subtopology => {
    const [, read = '', write = '', keep = ''] = /^([^>!]*)(?:>([^!]*))?(?:!(.*))?$/.exec(part.trim())!
    const names = (list: string) => list.split(',').map(name => name.trim())
    const info = (name: string) => {
      const [, topic = '', partitions = '0'] = /^(\w+)(?:\((\d+)\))?$/.exec(name)!
      return { name: topic, partitions: Number(partitions), replicationFactor: 0, topicConfigs: [] }
    }
    const all = names(read).filter(name => name !== '')
    const isOurs = (name: string) => sinks.has(info(name).name)
    const sourceTopics = all.filter(name => !isOurs(name))
    const repartitionSourceTopics = all.filter(isOurs).map(info)
    const indexes = (list: readonly string[]) => together.map(name => list.indexOf(name)).filter(index => index >= 0)
    return {
      subtopologyId: String(i),
      sourceTopics,
      sourceTopicRegex: [],
      stateChangelogTopics: names(keep)
        .filter(name => name !== '')
        .map(info),
      repartitionSinkTopics: names(write).filter(name => name !== ''),
      repartitionSourceTopics,
      copartitionGroups: [
        {
          sourceTopics: indexes(sourceTopics),
          sourceTopicRegex: [],
          repartitionSourceTopics: indexes(repartitionSourceTopics.map(({ name }) => name)),
        },
      ],
    }
  })
  return topologyOf({ epoch: 0, subtopologies })
}

const existing = new Map([
  ['two', 2],
  ['three', 3],
  ['alsoThree', 3],
])

const counts = (text: string, together?: readonly string[]) =>
  Object.fromEntries(partitionCounts(topology(text, together), name => existing.get(name)))

for (const [what, text, together, expected] of [
  ['as many as what is read where it is written', 'two > r | r', [], { r: 2 }],
  ['the largest of several', 'two,three > r | r', [], { r: 3 }],
  ['through several steps, in whatever order', 's | r > s | two > r', [], { r: 2, s: 2 }],
  ['what the application asks for', 'two > r | r(5) ! c', [], { r: 5, c: 5 }],
  ['a changelog has as many as there are tasks', 'two,three ! c', [], { c: 3 }],
  ['joined with a topic of a user: as many as that', 'two > r | r,three ! c', ['r', 'three'], { r: 3, c: 3 }],
  ['joined with each other: the largest', 'two > r | three > s | r,s', ['r', 's'], { r: 3, s: 3 }],
  ['joined with one that is asked for: that', 'three > r | two > s | r,s(2)', ['r', 's'], { r: 2, s: 2 }],
] as const)
  test(`${what}: ${text}`, () => {
    assert.deepEqual(counts(text, together), expected)
  })

test('topics that do not fit each other are waited for, with their numbers told', () => {
  assert.throws(() => counts('two,three', ['two', 'three']), MisfitTopics)
  assert.deepEqual(counts('three,alsoThree', ['three', 'alsoThree']), {})
  assert.throws(() => counts('two > r | r(4),three', ['r', 'three']), /partitions \[4\] of repartition topic \[r\]/)
  assert.throws(() => counts('two > r,s | r(4),s(5)', ['r', 's']), /\[\{r=4, s=5\}\]/)
})

test('a topology that can never be right is refused', () => {
  assert.throws(() => counts('r > r'), Refusal)
  const unread = topology('two')
  const group = { sourceTopics: [7], sourceTopicRegex: [], repartitionSourceTopics: [] }
  unread.subtopologies[0]!.copartitionGroups.push(group)
  assert.throws(() => partitionCounts(unread, () => 1), /names a topic that it does not read/)
})
