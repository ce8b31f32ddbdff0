/** Interactive queries of a running instance. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder } from '../index.ts'
import { keyValueStore } from '../state/key-value-store.ts'
import { sessionStore } from '../state/session-store.ts'
import type { StateStore, StoreSpec } from '../state/state-store.ts'
import type { KeyValueStore, SessionStore, VersionedKeyValueStore, WindowStore } from '../state/stores.ts'
import { versionedStore } from '../state/versioned-store.ts'
import { windowStore } from '../state/window-store.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'
import { askable, type LocalStore } from './local-stores.ts'

/** Every record of `lines` goes into a store of each kind. */
function keeping() {
  const builder = new StreamsBuilder()
  const lines = builder.stream('lines', { key: serde.string, value: serde.string })
  lines.groupBy(line => line, { key: serde.string, value: serde.string }).count({ store: 'words' })
  const topology = builder.build()
  const declared = { key: serde.string, value: serde.string }
  const specs: StoreSpec[] = [
    keyValueStore({ name: 'plain', ...declared }),
    windowStore({ name: 'windows', ...declared, windowSizeMs: 10, retentionMs: 1_000 }),
    sessionStore({ name: 'sessions', ...declared, retentionMs: 1_000 }),
    versionedStore({ name: 'versions', ...declared, historyRetentionMs: 1_000 }),
  ]
  topology.add({
    kind: 'processor',
    name: 'keeper',
    parents: ['KSTREAM-SOURCE-0000000000'],
    make: () => keeper(),
  })
  for (const spec of specs) topology.addStateStore(spec, 'keeper')
  return topology
}

function keeper() {
  let put: (key: string, value: string) => void
  return {
    init(context: { store<S extends StateStore>(name: string): S }) {
      const plain = context.store<KeyValueStore<string, string>>('plain')
      const windows = context.store<WindowStore<string, string>>('windows')
      const sessions = context.store<SessionStore<string, string>>('sessions')
      const versions = context.store<VersionedKeyValueStore<string, string>>('versions')
      put = (key, value) => {
        plain.put(key, value)
        windows.put(key, value, 100, 105)
        sessions.put({ key, start: 100, end: 105 }, value)
        versions.put(key, value, 100)
        versions.put(key, `${value}!`, 200)
      }
    },
    process(record: { key: string; value: string }) {
      put(record.key, record.value)
    },
  }
}

test('stores of each kind are asked over all partitions of the instance, or in one', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(3)
  const lines = ['a', 'b', 'a', 'c', 'd', 'e']
  await cluster.publish(lines)
  const app = cluster.instance('one', {}, keeping())
  assert.throws(() => app.store('words'), { code: 'STORE_NOT_READY', retriable: true })
  await cluster.finish(app.start())
  await cluster.until(() => app.state === 'RUNNING' && app.store('words').size === 5)
  const words = app.store<string, number>('words')
  assert.equal(words.get('a')?.value, 2)
  assert.deepEqual([...words.all()].map(([key]) => key).sort(), ['a', 'b', 'c', 'd', 'e'])
  const byPartition = [0, 1, 2].map(partition => [
    ...app.store<string, number>('words', { partition }).range({ from: 'a', to: 'b' }),
  ])
  assert.deepEqual(
    byPartition
      .flat()
      .map(([key, { value }]) => [key, value])
      .sort(),
    [
      ['a', 2],
      ['b', 1],
    ],
  )
  assert.throws(() => app.store('words', { partition: 7 }), /does not have partition 7 of store 'words'/)
  assert.throws(() => app.store('nothing'), /has no store 'nothing'. It has: .*words/)
  assert.throws(() => app.store('windows'), /'windows' is a window store: ask it by `windowStore`/)

  assert.equal(app.keyValueStore<string, string>('plain').get('3'), 'c')
  const prefix = new TextEncoder().encode('3')
  assert.deepEqual([...app.keyValueStore<string, string>('plain').prefixScan(prefix)], [['3', 'c']])
  const windows = app.windowStore<string, string>('windows')
  assert.deepEqual(windows.fetch('3', 100), { value: 'c', timestamp: 105 })
  assert.deepEqual([...windows.windows('3', { from: 0, to: 200 })], [[100, { value: 'c', timestamp: 105 }]])
  assert.equal([...windows.allWindows({ from: 0, to: 200 })].length, 6)
  const sessions = app.sessionStore<string, string>('sessions')
  assert.equal(sessions.fetch({ key: '3', start: 100, end: 105 }), 'c')
  assert.equal([...sessions.endingBetween(0, 200)].length, 6)
  const versions = app.versionedStore<string, string>('versions')
  assert.deepEqual([versions.get('3')?.value, versions.getAsOf('3', 150)?.value], ['c!', 'c'])
  assert.equal([...versions.versions('3', {})].length, 2)

  await cluster.finish(app.close())
  assert.throws(() => words.get('a'), { code: 'STORE_NOT_READY', retriable: false })
  await cluster.close()
})

test('what is restored or stands by is asked only where stale answers will do', () => {
  const store = {} as StateStore
  const here: LocalStore[] = [
    { store, partition: 0, role: 'active', isRestoring: false },
    { store, partition: 1, role: 'active', isRestoring: true },
    { store, partition: 2, role: 'standby', isRestoring: false },
  ]
  const partitions = (...rest: [Parameters<typeof askable>[1], Parameters<typeof askable>[3]]) =>
    askable('s', rest[0], here, rest[1]).map(({ partition }) => partition)
  assert.deepEqual(partitions('RUNNING', {}), [0])
  assert.deepEqual(partitions('RUNNING', { stale: true }), [0, 1, 2])
  assert.deepEqual(partitions('REBALANCING', { stale: true, partition: 2 }), [2])
  assert.throws(() => partitions('REBALANCING', {}), { code: 'STORE_NOT_READY', retriable: true })
  assert.throws(() => partitions('RUNNING', { partition: 2 }), /no up-to-date copy of partition 2.*stale/)
  assert.throws(() => partitions('ERROR', { stale: true }), { retriable: false })
})
