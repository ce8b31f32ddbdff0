/** Every store against a model that is too simple to be wrong; in memory and on disk, over commits, rollbacks and restarts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { type Serde, serde } from '@odradek/client'
import fc from 'fast-check'
import { noHeaders } from '../record.ts'
import { joinWindowStore } from './join-window-store.ts'
import { keyValueStore } from './key-value-store.ts'
import { sessionStore } from './session-store.ts'
import { StateFolder } from './state-folder.ts'
import { type CacheBudget, cacheBudget, type StateStore, type StoreSpec, type TaskDisk } from './state-store.ts'
import type { RestoredRecord } from './tables.ts'
import { timestampedStore } from './timestamped-store.ts'
import { versionedStore } from './versioned-store.ts'
import { windowStore } from './window-store.ts'

const root = mkdtempSync(`${tmpdir()}/odradek-stores-`)
after(() => rmSync(root, { recursive: true, force: true }))

type Kind = 'memory' | 'cached memory' | 'disk' | 'cached disk'
const kinds: readonly Kind[] = ['memory', 'cached memory', 'disk', 'cached disk']
const numbers: Serde<number> = serde.int32
/** Few, of unequal length, some the beginning of others; with bytes that text mishandles. */
const keys = fc.constantFrom(...['', '\0', 'a', 'a\0', 'a\0\0\0\0\0\0\0\u0001', 'ab', 'b', 'é', 'ÿ', '\uffff'])
const times = fc.integer({ min: 0, max: 400 }).map(n => n * 1000)
const values = fc.option(fc.integer({ min: 0, max: 99 }), { nil: null, freq: 4 })
const bytesOf = (key: string) => Buffer.from(key).toString('latin1')
const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))

/** A store and what becomes of it between operations. */
class Subject<S extends StateStore> {
  readonly #spec: StoreSpec<S>
  #folder: StateFolder | undefined
  #disk: TaskDisk | undefined
  readonly #name: string
  readonly #cache: CacheBudget | null
  log: RestoredRecord[] = []
  #committed = 0
  store: S

  constructor(spec: StoreSpec<S>, kind: Kind) {
    this.#spec = spec
    this.#name = `${spec.name}-${Math.random()}`
    // Room for about ten entries: the cache is full all the time.
    this.#cache = kind.startsWith('cached') ? cacheBudget(2_000) : null
    if (kind.endsWith('disk')) this.#open()
    this.store = this.#make()
  }

  /** Commits, and begins again with what is on disk; in memory, with what is in the changelog. */
  async restart(): Promise<void> {
    this.commit()
    this.store.close()
    assert.equal(this.#cache?.used ?? 0, 0, 'what a closed store held is free')
    if (!this.#disk) {
      this.store = this.#make()
      this.store.restoreBatch!(this.log)
      return
    }
    await this.#folder!.close()
    this.#open()
    this.store = this.#make()
    assert.equal(this.#disk!.position(this.#spec.name), this.#committed)
  }

  commit(): void {
    this.store.flush?.()
    this.#committed = this.log.length
    this.#disk?.commit(new Map([[this.#spec.name, this.log.length]]))
  }

  async close(): Promise<void> {
    this.store.close()
    await this.#folder?.close()
  }

  #open(): void {
    this.#folder = StateFolder.open({ folder: root, applicationId: this.#name })
    this.#disk = this.#folder.openTask('0_0')
  }

  #make(): S {
    return this.#spec.make({
      taskId: '0_0',
      log: (key, value, timestamp) => void this.log.push({ key, value, timestamp }),
      disk: this.#disk ?? null,
      defaultKind: this.#disk ? 'disk' : 'memory',
      cache: this.#cache,
      current: () => ({ timestamp: 7, headers: noHeaders, metadata: undefined }),
    })
  }
}

/** An operation: on the store, and on the model; what a check finds must be equal. */
type Operation<S, M> = (store: S, model: M) => void

const upkeep = fc.constantFrom('commit', 'restart', 'nothing', 'nothing', 'nothing')

async function behavesLike<S extends StateStore, M>(
  spec: StoreSpec<S>,
  operations: fc.Arbitrary<Operation<S, M>>,
  makeModel: () => M,
): Promise<void> {
  const step = fc.record({ operation: operations, upkeep })
  for (const kind of kinds)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
        const subject = new Subject(spec, kind)
        const model = makeModel()
        try {
          for (const { operation, upkeep } of steps) {
            operation(subject.store, model)
            if (upkeep === 'commit') subject.commit()
            if (upkeep === 'restart') await subject.restart()
          }
        } finally {
          await subject.close()
        }
      }),
      { numRuns: kind.endsWith('disk') ? 10 : 60 },
    )
}

test('a timestamped store is a map that is iterated in the order of key bytes (streams facts 2.52)', async () => {
  type Model = Map<string, { value: number; timestamp: number }>
  type Store = ReturnType<ReturnType<typeof timestampedStore<string, number>>['make']>
  const entries = (model: Model) => [...model].sort(([one], [other]) => byBytes(one, other))
  const operations: fc.Arbitrary<Operation<Store, Model>> = fc.oneof(
    fc.tuple(keys, values, times).map(([key, value, timestamp]) => (store: Store, model: Model) => {
      store.put(key, value, timestamp)
      if (value === null) model.delete(key)
      else model.set(key, { value, timestamp })
      assert.deepEqual(store.get(key), model.get(key))
    }),
    keys.map(key => (store: Store, model: Model) => assert.deepEqual(store.get(key), model.get(key))),
    fc.constant((store: Store, model: Model) => assert.deepEqual([...store.all()], entries(model))),
    fc.tuple(keys, keys, fc.boolean()).map(([from, to, reverse]) => (store: Store, model: Model) => {
      const within = entries(model).filter(([key]) => byBytes(key, from) >= 0 && byBytes(key, to) <= 0)
      assert.deepEqual([...store.range({ from, to, reverse })], reverse ? within.reverse() : within)
    }),
    keys.map(prefix => (store: Store, model: Model) => {
      const within = entries(model).filter(([key]) => bytesOf(key).startsWith(bytesOf(prefix)))
      assert.deepEqual([...store.prefixScan(Buffer.from(prefix))], within)
    }),
  )
  await behavesLike(timestampedStore({ name: 'table', key: serde.string, value: numbers }), operations, () => new Map())
})

test('a plain store is a map without timestamps', async () => {
  type Model = Map<string, number>
  type Store = ReturnType<ReturnType<typeof keyValueStore<string, number>>['make']>
  const operations: fc.Arbitrary<Operation<Store, Model>> = fc.oneof(
    fc.tuple(keys, values).map(([key, value]) => (store: Store, model: Model) => {
      store.put(key, value)
      if (value === null) model.delete(key)
      else model.set(key, value)
    }),
    fc.tuple(keys, fc.integer({ min: 0, max: 9 })).map(([key, value]) => (store: Store, model: Model) => {
      assert.equal(store.putIfAbsent(key, value), model.get(key))
      if (!model.has(key)) model.set(key, value)
    }),
    keys.map(key => (store: Store, model: Model) => {
      assert.equal(store.delete(key), model.get(key))
      model.delete(key)
    }),
    fc.constant((store: Store, model: Model) =>
      assert.deepEqual(
        [...store.all()],
        [...model].sort(([one], [other]) => byBytes(one, other)),
      ),
    ),
  )
  await behavesLike(keyValueStore({ name: 'plain', key: serde.string, value: numbers }), operations, () => new Map())
})

interface WindowModel {
  latest: number
  rows: { key: string; time: number; minor: number; value: number; timestamp: number }[]
}
const retentionMs = 150_000
const live = (model: WindowModel) => model.rows.filter(row => row.time > model.latest - retentionMs)

function putRow(model: WindowModel, row: Omit<WindowModel['rows'][number], 'value'> & { value: number | null }): void {
  model.latest = Math.max(model.latest, row.time)
  if (row.time <= model.latest - retentionMs) return
  model.rows = model.rows.filter(other => other.key !== row.key || other.time !== row.time || other.minor !== row.minor)
  if (row.value !== null) model.rows.push({ ...row, value: row.value })
}

test('a window store holds a value for each key and window, until the retention has passed (streams facts 2.46)', async () => {
  type Store = ReturnType<ReturnType<typeof windowStore<string, number>>['make']>
  const windowed = (row: WindowModel['rows'][number]) => [
    { key: row.key, start: row.time, end: row.time + 5 },
    { value: row.value, timestamp: row.timestamp },
  ]
  const operations: fc.Arbitrary<Operation<Store, WindowModel>> = fc.oneof(
    fc.tuple(keys, values, times).map(([key, value, time]) => (store: Store, model: WindowModel) => {
      store.put(key, value, time, time + 1)
      putRow(model, { key, time, minor: 0, value, timestamp: time + 1 })
      const found = live(model).find(row => row.key === key && row.time === time)
      assert.deepEqual(store.fetch(key, time), found && { value: found.value, timestamp: found.timestamp })
    }),
    fc.tuple(keys, times, times, fc.boolean()).map(([key, from, to, reverse]) => (store: Store, model: WindowModel) => {
      const within = live(model).filter(row => row.key === key && row.time >= from && row.time <= to)
      const found = within.sort((a, b) => a.time - b.time).map(row => [row.time, windowed(row)[1]])
      assert.deepEqual([...store.windows(key, { from, to, reverse })], reverse ? found.reverse() : found)
    }),
    fc.tuple(times, times).map(([from, to]) => (store: Store, model: WindowModel) => {
      const within = live(model).filter(row => row.time >= from && row.time <= to)
      const byTime = [...within].sort((a, b) => a.time - b.time || byBytes(a.key, b.key)).map(windowed)
      assert.deepEqual([...store.allWindows({ from, to })], byTime)
      const byKey = [...within].sort((a, b) => byBytes(a.key, b.key) || a.time - b.time).map(windowed)
      assert.deepEqual([...store.keyRange({}, { from, to })], byKey)
    }),
  )
  const spec = windowStore({ name: 'windows', key: serde.string, value: numbers, windowSizeMs: 5, retentionMs })
  await behavesLike(spec, operations, () => ({ latest: -1, rows: [] }))
})

test('a join window store keeps every record, also of one key and time', async () => {
  type Store = ReturnType<ReturnType<typeof joinWindowStore<string, number>>['make']>
  let minor = 0
  const operations: fc.Arbitrary<Operation<Store, WindowModel>> = fc.oneof(
    fc
      .tuple(keys, fc.integer({ min: 0, max: 99 }), times)
      .map(([key, value, time]) => (store: Store, model: WindowModel) => {
        store.put(key, value, time)
        putRow(model, { key, time, minor: minor++, value, timestamp: time })
      }),
    fc.tuple(keys, times, times).map(([key, from, to]) => (store: Store, model: WindowModel) => {
      const within = live(model).filter(row => row.key === key && row.time >= from && row.time <= to)
      const found = within.sort((a, b) => a.time - b.time || a.minor - b.minor).map(row => [row.time, row.value])
      assert.deepEqual([...store.fetch(key, from, to)], found)
    }),
  )
  const spec = joinWindowStore({ name: 'join', key: serde.string, value: numbers, windowSizeMs: 5, retentionMs })
  await behavesLike(spec, operations, () => ({ latest: -1, rows: [] }))
})

test('a session store finds the sessions of a key that touch a span of time', async () => {
  type Store = ReturnType<ReturnType<typeof sessionStore<string, number>>['make']>
  const session = (row: WindowModel['rows'][number]) => [{ key: row.key, start: row.minor, end: row.time }, row.value]
  const order = (a: WindowModel['rows'][number], b: WindowModel['rows'][number]) => a.time - b.time || a.minor - b.minor
  const operations: fc.Arbitrary<Operation<Store, WindowModel>> = fc.oneof(
    fc.tuple(keys, values, times, times).map(([key, value, one, other]) => (store: Store, model: WindowModel) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)]
      store.put({ key, start, end }, value)
      putRow(model, { key, time: end, minor: start, value, timestamp: 0 })
      const found = live(model).find(row => row.key === key && row.time === end && row.minor === start)
      assert.equal(store.fetch({ key, start, end }), found?.value)
    }),
    fc.tuple(keys, times, times).map(([key, from, to]) => (store: Store, model: WindowModel) => {
      const within = live(model).filter(row => row.key === key && row.time >= from && row.minor <= to)
      assert.deepEqual([...store.overlapping(key, from, to)], within.sort(order).map(session))
    }),
    fc.tuple(times, times).map(([from, to]) => (store: Store, model: WindowModel) => {
      const within = live(model).filter(row => row.time >= from && row.time <= to)
      const found = within.sort((a, b) => order(a, b) || byBytes(a.key, b.key)).map(session)
      assert.deepEqual([...store.endingBetween(from, to)], found)
    }),
  )
  const spec = sessionStore({ name: 'sessions', key: serde.string, value: numbers, retentionMs })
  await behavesLike(spec, operations, () => ({ latest: -1, rows: [] }))
})

interface VersionModel {
  latest: number
  versions: Map<string, Map<number, number | null>>
}

test('a versioned store knows what was, as far as its history goes (streams facts 2.44)', async () => {
  type Store = ReturnType<ReturnType<typeof versionedStore<string, number>>['make']>
  const asOf = (model: VersionModel, key: string, time: number) => {
    const all = [...(model.versions.get(key) ?? [])].sort(([a], [b]) => a - b)
    const at = all.filter(([timestamp]) => timestamp <= time).at(-1)
    const next = all.find(([timestamp]) => timestamp > time)
    if (!at || at[1] === null || (next && time < model.latest - retentionMs)) return undefined
    return { value: at[1], timestamp: at[0], validTo: next?.[0] ?? null }
  }
  const operations: fc.Arbitrary<Operation<Store, VersionModel>> = fc.oneof(
    fc.tuple(keys, values, times).map(([key, value, time]) => (store: Store, model: VersionModel) => {
      const answer = store.put(key, value, time)
      if (time < model.latest - retentionMs) return assert.equal(answer, 'not-put')
      model.latest = Math.max(model.latest, time)
      const versions = model.versions.get(key) ?? new Map()
      model.versions.set(key, versions.set(time, value))
      const next = [...versions.keys()].filter(timestamp => timestamp > time)
      assert.equal(answer, next.length === 0 ? null : Math.min(...next))
    }),
    fc.tuple(keys, times).map(([key, time]) => (store: Store, model: VersionModel) => {
      assert.deepEqual(store.get(key), asOf(model, key, Number.MAX_SAFE_INTEGER))
      assert.deepEqual(store.getAsOf(key, time), asOf(model, key, time))
    }),
    keys.map(key => (store: Store, model: VersionModel) => {
      const horizon = model.latest - retentionMs
      const all = [...(model.versions.get(key) ?? [])].sort(([a], [b]) => a - b)
      const found = all
        .map(([timestamp, value], i) => ({ value, timestamp, validTo: all[i + 1]?.[0] ?? null }))
        .filter(({ value, validTo }) => value !== null && (validTo === null || validTo > Math.max(0, horizon)))
      assert.deepEqual([...store.versions(key, {})], found)
    }),
  )
  const spec = versionedStore({ name: 'versions', key: serde.string, value: numbers, historyRetentionMs: retentionMs })
  await behavesLike(spec, operations, () => ({ latest: -1, versions: new Map() }))
})
