/** The changelogs of stores against what Kafka Streams itself writes, byte for byte, and back. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { noHeaders } from '../record.ts'
import { joinWindowStore } from './join-window-store.ts'
import { keyValueStore } from './key-value-store.ts'
import { sessionStore } from './session-store.ts'
import type { StateStore, StoreSpec } from './state-store.ts'
import type { RestoredRecord } from './tables.ts'
import { timestampedStore } from './timestamped-store.ts'
import { versionedStore } from './versioned-store.ts'
import { windowStore } from './window-store.ts'

const serdes = { key: serde.string, value: serde.int64 }
const retentionMs = 600_000
const recordTime = 12_345

const logged = readFileSync(new URL('./kafka-changelogs.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .filter(line => !line.startsWith('#'))
  .map(line => line.split(' ') as [store: string, key: string, value: string, timestamp: string])

const inHex = (bytes: Uint8Array | null) => (bytes === null ? 'null' : Buffer.from(bytes).toString('hex') || 'empty')
const fromHex = (hex: string) => (hex === 'null' ? null : Buffer.from(hex === 'empty' ? '' : hex, 'hex'))

function make<S extends StateStore>(spec: StoreSpec<S>): { store: S; log: string[][] } {
  const log: string[][] = []
  const store = spec.make({
    taskId: '0_0',
    log: (key, value, timestamp) => void log.push([inHex(key), inHex(value), String(timestamp)]),
    disk: null,
    defaultKind: 'memory',
    cache: null,
    current: () => ({ timestamp: recordTime, headers: noHeaders, metadata: undefined }),
  })
  return { store, log }
}

/** Kafka logs what a store then refuses as too old, too; we do not. A deletion carries the time it was given, not the record's. */
const ofKafka = (store: string, refused: readonly string[] = []) =>
  logged.filter(([name, key, , timestamp]) => name === store && !refused.includes(`${key} ${timestamp}`))

const bytesOf = (store: string, refused?: readonly string[]) =>
  ofKafka(store, refused).map(([, key, value, timestamp]) => [key, value, value === 'null' ? 'any' : timestamp])

const anyTimeOfDeletions = (log: string[][]) =>
  log.map(([key, value, timestamp]) => [key, value, value === 'null' ? 'any' : timestamp])

const restored = (store: string): RestoredRecord[] =>
  ofKafka(store).map(([, key, value, timestamp]) => ({
    key: fromHex(key),
    value: fromHex(value),
    timestamp: Number(timestamp),
  }))

const plain = keyValueStore<string, number>({ name: 'plain', ...serdes })
const table = timestampedStore<string, number>({ name: 'table', ...serdes })
const windows = windowStore<string, number>({ name: 'windows', ...serdes, windowSizeMs: 10_000, retentionMs })
const join = joinWindowStore<string, number>({ name: 'join', ...serdes, windowSizeMs: 10_000, retentionMs })
const sessions = sessionStore<string, number>({ name: 'sessions', ...serdes, retentionMs })
const versions = versionedStore<string, number>({ name: 'versions', ...serdes, historyRetentionMs: retentionMs })

test('a plain store logs as Kafka Streams does', () => {
  const { store, log } = make(plain)
  store.put('a', 1)
  store.put('é', -2)
  store.delete('a')
  store.putIfAbsent('b', 3)
  assert.deepEqual(
    log,
    ofKafka('plain').map(([, ...record]) => record),
  )
})

test('a timestamped store logs values without their timestamps, as Kafka Streams does', () => {
  const { store, log } = make(table)
  store.put('a', 1, 5_000)
  store.put('', 2, 6_000)
  store.put('a', null, 7_000)
  assert.deepEqual(anyTimeOfDeletions(log), bytesOf('table'))
})

test('a window store logs as Kafka Streams does', () => {
  const { store, log } = make(windows)
  store.put('a', 1, 70_000, 70_001)
  store.put('b', 2, 4_999_999_000, 5_000_000_000)
  store.put('b', null, 4_999_999_000, 5_000_000_000)
  store.put('old', 9, 0, 1)
  assert.deepEqual(anyTimeOfDeletions(log), bytesOf('windows', ['6f6c64000000000000000000000000 1']))
})

test('a join window store numbers what it logs as Kafka Streams does', () => {
  const { store, log } = make(join)
  store.put('a', 1, 1_000)
  store.put('a', 2, 1_000)
  store.put('b', 3, 2_000)
  assert.deepEqual(
    log.map(([key, value]) => [key, value]),
    ofKafka('join').map(([, key, value]) => [key, value]),
  )
})

test('a session store logs as Kafka Streams does', () => {
  const { store, log } = make(sessions)
  store.put({ key: 'a', start: 100, end: 5_000_000_000 }, 7)
  store.put({ key: 'a', start: 100, end: 5_000_000_000 }, null)
  store.put({ key: 'b', start: 4_999_999_999, end: 5_000_000_000 }, 8)
  assert.deepEqual(
    log,
    ofKafka('sessions').map(([, ...record]) => record),
  )
})

test('a versioned store logs as Kafka Streams does', () => {
  const { store, log } = make(versions)
  store.put('a', 1, 10_000)
  store.put('a', 2, 20_000)
  store.put('a', null, 15_000)
  store.delete('a', 30_000)
  store.put('b', 5, 1_000_000)
  assert.equal(store.put('b', 6, 1), 'not-put')
  assert.deepEqual(
    log,
    ofKafka('versions', ['62 1']).map(([, ...record]) => record),
  )
})

test('what Kafka Streams has logged restores our stores', () => {
  const filled = <S extends StateStore>(spec: StoreSpec<S>): S => {
    const { store } = make(spec)
    store.restoreBatch!(restored(spec.name))
    return store
  }
  assert.deepEqual(
    [...filled(plain).all()],
    [
      ['b', 3],
      ['é', -2],
    ],
  )
  assert.deepEqual([...filled(table).all()], [['', { value: 2, timestamp: 6_000 }]])
  assert.deepEqual([...filled(windows).allWindows({ from: 0, to: 5e9 })], [])
  assert.deepEqual(
    [...filled(join).fetch('a', 0, 5_000)],
    [
      [1_000, 1],
      [1_000, 2],
    ],
  )
  assert.deepEqual([...filled(sessions).sessions('b')], [[{ key: 'b', start: 4_999_999_999, end: 5_000_000_000 }, 8]])
  const restoredVersions = filled(versions)
  assert.equal(restoredVersions.get('a'), undefined)
  assert.deepEqual(restoredVersions.get('b'), { value: 5, timestamp: 1_000_000, validTo: null })
})

test('a changelog key that is too short is told of', () => {
  for (const spec of [windows, join, sessions])
    assert.throws(
      () => make<StateStore>(spec).store.restore(Buffer.alloc(11), null, 0),
      /is not the changelog of this store/,
    )
})
