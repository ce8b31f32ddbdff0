import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamsBuilder } from '../index.ts'
import { internalTopics } from './internal-topics.ts'

test('repartition topics are as wide as what feeds them, changelogs as the tasks that write them (streams facts 2.47)', () => {
  const builder = new StreamsBuilder()
  builder
    .stream(['narrow', 'wide'])
    .groupBy(() => 'k', { name: 'first' })
    .count({ store: 'one' })
    .toStream()
    .groupBy(() => 'k')
    .count({ store: 'two' })
  const topics = internalTopics(builder.build(), 'app', { widths: topic => ({ narrow: 2, wide: 6 })[topic] ?? 0 })
  assert.deepEqual(
    topics.map(({ name, partitions, config }) => [name, partitions, config['cleanup.policy']]),
    [
      ['app-first-repartition', 6, 'delete'],
      ['app-two-repartition', 6, 'delete'],
      ['app-one-changelog', 6, 'compact'],
      ['app-two-changelog', 6, 'compact'],
    ],
  )
})
