import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serde } from '@odradek/client'
import fc from 'fast-check'
import { noHeaders } from '../record.ts'
import { readEntry } from './disk-entry.ts'
import { openDatabase, openEnvironment, textOfDatabaseKey } from './lmdb.ts'
import { Restoration, type RestorationSizes } from './restoration.ts'
import { StateFolder } from './state-folder.ts'
import type { TaskDisk } from './state-store.ts'
import { timestampedStore } from './timestamped-store.ts'

const root = mkdtempSync(`${tmpdir()}/odradek-restoration-`)
after(() => rmSync(root, { recursive: true, force: true }))

const spec = timestampedStore<string, number>({ name: 'table', key: serde.string, value: serde.int32 })
const storeOn = (disk: TaskDisk) =>
  spec.make({
    taskId: disk.taskId,
    log: null,
    disk,
    defaultKind: 'disk',
    cache: null,
    current: () => ({ headers: noHeaders, metadata: undefined }),
  })
const recordsOf = (entries: Record<string, number | null>) =>
  Object.entries(entries).map(([key, value], timestamp) => ({
    key: Buffer.from(key),
    value: value === null ? null : serde.int32.serialize(value, { topic: 'table', part: 'value' }),
    timestamp,
  }))
const at = (position: number) => new Map([['table', position]])

/** Small, so that there are many runs, that runs are merged, and records longer than a run. */
const sizes = fc.record<RestorationSizes>({
  run: fc.integer({ min: 20, max: 400 }),
  runs: fc.integer({ min: 2, max: 5 }),
  transaction: fc.integer({ min: 1, max: 300 }),
})
const keys = fc.oneof(
  fc.constantFrom('', 'a', 'a\0', 'a\0\0\0\0\0\0\0', 'ab', 'the same seven\xff', 'the same seven\xff\xff'),
  fc.integer({ min: 0, max: 30 }).map(n => `key-${n}`),
)
const records = fc.record({
  key: keys,
  value: fc.option(fc.string({ maxLength: 40 }), { nil: null, freq: 4 }),
  timestamp: fc.integer({ min: 0, max: 2 ** 50 }),
})
const steps = fc.array(
  fc.record({ batch: fc.array(records, { maxLength: 30 }), load: fc.constantFrom('a part', 'all', 'no', 'no') }),
  { maxLength: 8 },
)

test('however it is gathered and merged, the last record of each key is in the database, in order', async () => {
  let databases = 0
  const environment = openEnvironment(mkdtempSync(`${root}/property-`))
  await fc.assert(
    fc.asyncProperty(sizes, steps, async (small, all) => {
      const database = openDatabase(environment, `store-${databases++ % 200}`)
      database.clearSync()
      const transaction = (write: () => void): void => void environment.transactionSync(write)
      const restoration = new Restoration(database, { folder: root, attempt: work => work(), transaction }, small)
      const model = new Map<string, [string, number]>()
      for (const { batch, load } of all) {
        for (const { key, value, timestamp } of batch) {
          const bytes = value === null ? null : Buffer.from(value)
          restoration.add(Buffer.from(key, 'latin1'), { key: null, value: bytes, timestamp })
          if (value === null) model.delete(key)
          else model.set(key, [value, timestamp])
        }
        if (load === 'a part') restoration.load(1)
        else if (load === 'all') assert.equal(restoration.load(), true)
      }
      assert.equal(restoration.load(), true)
      assert.ok(restoration.isEmpty)
      const found = [...database.getRange({})].map(({ key, value }) => {
        const entry = readEntry(value)
        return [textOfDatabaseKey(key), [Buffer.from(entry.value!).toString(), entry.timestamp]]
      })
      const expected = [...model].sort(([one], [other]) => (one < other ? -1 : 1))
      assert.deepEqual(found, expected)
    }),
    { numRuns: 300 },
  )
  await environment.close()
  assert.deepEqual(
    readdirSync(root).filter(name => name.startsWith('restoring')),
    [],
  )
})

test('a store that is being restored can be read, and what is restored after that is seen as well', async () => {
  const folder = StateFolder.open({ folder: root, applicationId: 'reads' })
  const disk = folder.openTask('0_0')
  const store = storeOn(disk)
  store.restoreBatch!(recordsOf({ b: 1, a: 2, c: 3 }))
  disk.commit(at(3), { now: false })
  assert.deepEqual(
    [...store.all()].map(([key]) => key),
    ['a', 'b', 'c'],
  )
  store.restoreBatch!(recordsOf({ c: null, a: 7 }))
  assert.equal(store.get('a')?.value, 7)
  assert.equal(store.get('c'), undefined)
  store.restoreBatch!(recordsOf({ d: 4 }))
  store.put('d', 5, 1)
  assert.equal(store.get('d')?.value, 5)
  assert.equal(store.size, 3)
  disk.commit(at(6))
  assert.deepEqual(
    [...store.all()].map(([key, { value }]) => [key, value]),
    [
      ['a', 7],
      ['b', 1],
      ['d', 5],
    ],
  )
  await folder.close()
})

test('what was restored and not committed has no position, and is gone after a restart', async () => {
  const first = StateFolder.open({ folder: root, applicationId: 'uncommitted' })
  const disk = first.openTask('0_0')
  const store = storeOn(disk)
  store.restoreBatch!(recordsOf({ b: 1, a: 2 }))
  disk.commit(at(2), { now: false })
  assert.equal(store.get('a')?.value, 2)
  assert.equal(disk.position('table'), undefined)
  disk.rollback()
  await first.close()
  const second = StateFolder.open({ folder: root, applicationId: 'uncommitted' })
  const again = second.openTask('0_0')
  assert.equal(again.position('table'), undefined)
  assert.deepEqual([...storeOn(again).all()], [])
  await second.close()
})

test('a commit of another store does not give a store that is being restored a position', async () => {
  const folder = StateFolder.open({ folder: root, applicationId: 'two-stores' })
  const disk = folder.openTask('0_0')
  const [store, other] = [storeOn(disk), disk.keyTable('other')]
  store.restoreBatch!(recordsOf({ a: 1 }))
  const value = Buffer.alloc(17 * 2 ** 20)
  other.set({ bytes: Buffer.from('k'), text: 'k' }, { value, timestamp: 1 })
  disk.commit(new Map([...at(1), ['other', 9]]), { now: false })
  assert.deepEqual([disk.position('table'), disk.position('other')], [undefined, 9])
  disk.commit(at(1))
  assert.equal(disk.position('table'), 1)
  assert.equal(store.get('a')?.value, 1)
  await folder.close()
})

test('kill -9 while a restored store is written leaves all of it with its position, or nothing', async () => {
  const count = 50_000
  for (const delay of [0, 40, 'committed'] as const) {
    const program = new URL('../testing/state-restorer.ts', import.meta.url)
    const child = fork(program, [root, 'killed', String(count)], { stdio: 'ignore' })
    await new Promise<void>((resolve, reject) => {
      child.on('message', async message => {
        if (message === 'read' && delay !== 'committed') await sleep(delay)
        if (message === 'committed' || delay !== 'committed') child.kill('SIGKILL')
      })
      child.on('exit', (code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(`ended with ${code}`))))
    })
    const folder = StateFolder.open({ folder: root, applicationId: 'killed' })
    const disk = folder.openTask('0_0')
    const position = disk.position('table')
    assert.equal([...storeOn(disk).all()].length, position ?? 0)
    assert.ok(position === undefined || position === count)
    if (delay === 'committed') assert.equal(position, count)
    disk.wipe()
    await folder.close()
  }
})

for (const [when, size] of [
  ['gathered', '2m'],
  ['written', '5m'],
])
  test(`a disk that is full while records are ${when} is an error, once and again, and the store has no position`, {
    skip: noTmpfs(),
  }, async () => {
    const small = mkdtempSync(`${tmpdir()}/odradek-full-`)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', small])
    try {
      const folder = StateFolder.open({ folder: small, applicationId: 'full' })
      const disk = folder.openTask('0_0')
      const store = storeOn(disk)
      const restore = (): void => {
        const count = when === 'gathered' ? 400_000 : 200_000
        for (let i = 0; i < count; i += 10_000)
          store.restoreBatch!(
            recordsOf(Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key-${i + n}`, n]))),
          )
        disk.commit(at(count))
      }
      assert.throws(restore, /cannot be written to .*Is the disk full/)
      assert.throws(() => disk.commit(at(1)), /cannot be written to .*Is the disk full/)
      assert.equal(disk.position('table'), undefined)
      disk.rollback()
      await folder.close()
      const again = StateFolder.open({ folder: small, applicationId: 'full' })
      assert.deepEqual([...storeOn(again.openTask('0_0')).all()], [])
      await again.close()
    } finally {
      execFileSync('umount', ['-l', small])
      rmSync(small, { recursive: true, force: true })
    }
  })

function noTmpfs(): string | false {
  const isRoot = process.getuid?.() === 0
  return isRoot && /tmpfs/.test(readFileSync('/proc/filesystems', 'utf8')) ? false : 'needs to mount a tmpfs'
}
