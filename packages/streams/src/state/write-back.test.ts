import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { noHeaders, type RecordHeaders } from '../record.ts'
import { type CacheBudget, cacheBudget, type StoreSpec } from './state-store.ts'
import type { EvictedChange, StoreOptions, TimestampedKeyValueStore } from './stores.ts'
import { timestampedStore } from './timestamped-store.ts'
import { versionedStore } from './versioned-store.ts'
import { windowStore } from './window-store.ts'

type Logged = [key: string, value: string | null, timestamp: number]

/** A cached store, what it has logged and what it has handed on. */
function cached<V>(options: { bytes?: number; value?: any; sendOldValues?: boolean; store?: StoreOptions } = {}) {
  const { bytes = 1_000_000, value = serde.int32, sendOldValues = true } = options
  const logged: Logged[] = []
  const handedOn: EvictedChange<string, V>[] = []
  const budget = cacheBudget(bytes)!
  const current = { headers: noHeaders as RecordHeaders, metadata: undefined }
  const spec = timestampedStore<string, V>({ name: 'table', key: serde.string, value, options: options.store })
  const store = spec.make(
    placeOf(
      budget,
      (key, bytes, at) => logged.push([String(key), bytes?.toString() ?? null, at]),
      () => current,
    ),
  )
  const isCached = store.onEviction(change => void handedOn.push(change), { sendOldValues })
  return { store, logged, handedOn, isCached, budget, current }
}

const placeOf = (
  cache: CacheBudget | null,
  log: (key: Buffer, value: Buffer | null, timestamp: number) => unknown,
  current: () => { headers: RecordHeaders; metadata: undefined },
): Parameters<StoreSpec<TimestampedKeyValueStore<any, any>>['make']>[0] => ({
  taskId: '0_0',
  log: (key, value, timestamp) => void log(Buffer.from(key), value && Buffer.from(value), timestamp),
  disk: null,
  defaultKind: 'memory',
  cache,
  current,
})

const changes = (handedOn: EvictedChange<string, unknown>[]) =>
  handedOn.map(({ key, newValue, oldValue, timestamp }) => [key, newValue, oldValue, timestamp])

test('of several changes between commits the last is logged and handed on, in the order of keys (streams facts 2.18)', () => {
  const { store, logged, handedOn } = cached<number>()
  store.put('b', 1, 10)
  store.put('a', 2, 20)
  store.put('b', 3, 30)
  assert.deepEqual(store.get('b'), { value: 3, timestamp: 30 })
  assert.deepEqual([logged.length, handedOn.length, store.holdsBack], [0, 0, true])
  store.flush!()
  assert.deepEqual(changes(handedOn), [
    ['a', 2, null, 20],
    ['b', 3, null, 30],
  ])
  assert.deepEqual(
    logged.map(([key, , timestamp]) => [key, timestamp]),
    [
      ['a', 20],
      ['b', 30],
    ],
  )
  assert.equal(store.holdsBack, false)
  store.flush!()
  assert.equal(handedOn.length, 2, 'nothing is handed on twice')
})

test('the old value is the one of the last commit, not the last that was put', () => {
  const { store, handedOn } = cached<number>()
  store.put('a', 1, 1)
  store.flush!()
  store.put('a', 2, 2)
  store.put('a', 3, 3)
  assert.deepEqual([...store.all()], [['a', { value: 3, timestamp: 3 }]], 'a scan sees what is held back')
  store.put('a', 4, 4)
  store.flush!()
  assert.deepEqual(changes(handedOn).at(-1), ['a', 4, 1, 4])
  store.put('a', null, 5)
  store.flush!()
  assert.deepEqual(changes(handedOn).at(-1), ['a', null, 4, 5])
})

test('a key that came and went between commits is neither logged nor handed on', () => {
  const { store, logged, handedOn } = cached<number>()
  store.put('a', 1, 1)
  store.put('a', null, 2)
  assert.equal(store.get('a'), undefined)
  store.flush!()
  assert.deepEqual([logged, handedOn], [[], []])
})

test('when the memory for it is used up, everything dirty is handed on, and what was used lately stays', () => {
  const { store, handedOn, budget } = cached<number>({ bytes: 10_000 })
  for (let i = 0; i < 1_000; i++) {
    store.put(`key-${i}`, i, i)
    store.makeRoom!()
    store.get('key-0')
  }
  assert.ok(handedOn.length > 900, `${handedOn.length} handed on`)
  assert.ok(budget.used <= 10_500, `${budget.used} bytes used`)
  assert.equal(store.get('key-1')?.value, 1, 'what was dropped is in the store')
  store.close()
  assert.equal(budget.used, 0)
})

test('a change is handed on with the headers of the record that caused it last', () => {
  const { store, handedOn, current } = cached<number>()
  current.headers = [['first', null]]
  store.put('a', 1, 1)
  current.headers = [['second', null]]
  store.put('a', 2, 2)
  current.headers = []
  store.flush!()
  assert.deepEqual(handedOn[0]!.headers, [['second', null]])
})

test('an object that was handed on is not the one the store gives next', () => {
  const { store, handedOn } = cached<{ n: number }>({ value: serde.json() })
  store.put('a', { n: 1 }, 1)
  store.flush!()
  store.get('a')!.value.n = 99
  assert.deepEqual(store.get('a')?.value, { n: 1 }, 'what is only read is not kept')
  const next = store.get('a')!.value
  next.n = 2
  store.put('a', next, 2)
  store.flush!()
  assert.deepEqual(changes(handedOn), [
    ['a', { n: 1 }, null, 1],
    ['a', { n: 2 }, { n: 1 }, 2],
  ])
})

test('keys that serialise to the same bytes are one key', () => {
  const { store, handedOn } = cached<number>()
  store.put('\ud800', 1, 1)
  store.put('\udfff', 2, 2)
  store.flush!()
  assert.deepEqual(handedOn.length, 1)
  assert.equal(store.get('\ud800')?.value, 2)
})

test('handing on waits for what is below, one change after the other', async () => {
  const order: string[] = []
  const spec = timestampedStore<string, number>({ name: 'table', key: serde.string, value: serde.int32 })
  const place = placeOf(
    cacheBudget(1_000_000),
    () => {},
    () => ({ headers: [], metadata: undefined }),
  )
  const store = spec.make(place)
  const listener = async ({ key }: { key: string }) => {
    order.push(`${key} begins`)
    await Promise.resolve()
    assert.deepEqual([...store.all()].length, 2, 'a scan in between sees all')
    order.push(`${key} ends`)
  }
  store.onEviction(listener, { sendOldValues: false })
  store.put('a', 1, 1)
  store.put('b', 1, 1)
  await store.flush!()
  assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends'])
})

test('versioned stores are never cached, others not where that was declined (streams facts 2.19)', () => {
  assert.equal(cached<number>({ store: { caching: false } }).isCached, false)
  const place = placeOf(
    cacheBudget(1_000),
    () => {},
    () => ({ headers: [], metadata: undefined }),
  )
  const versioned = versionedStore({ name: 'versions', historyRetentionMs: 1_000 }).make(place)
  assert.equal('onEviction' in versioned, false)
})

test('windows leave the cache by time span, key and start, as the windows of Kafka Streams do', () => {
  const spec = windowStore<string, number>({
    name: 'windows',
    key: serde.string,
    value: serde.int32,
    windowSizeMs: 10,
    retentionMs: 200_000,
  })
  const place = placeOf(
    cacheBudget(1_000_000),
    () => {},
    () => ({ headers: [], metadata: undefined }),
  )
  const store = spec.make(place)
  const handedOn: string[] = []
  store.onEviction(({ key }) => void handedOn.push(`${key.key}@${key.start}`), { sendOldValues: false })
  for (const [key, start] of [
    ['b', 0],
    ['a', 150_000],
    ['a', 10],
    ['b', 10],
    ['a', 0],
  ] as const)
    store.put(key, 1, start, start)
  store.flush!()
  assert.deepEqual(handedOn, ['a@0', 'a@10', 'b@0', 'b@10', 'a@150000'])
})
