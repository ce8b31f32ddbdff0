import assert from 'node:assert/strict'
import { execFile, fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { serde, UsageError } from '@odradek/client'
import { noHeaders } from '../record.ts'
import { StateFolder } from './state-folder.ts'
import type { StoreSpec, TaskDisk } from './state-store.ts'
import { timestampedStore } from './timestamped-store.ts'

const root = mkdtempSync(`${tmpdir()}/odradek-state-`)
after(() => rmSync(root, { recursive: true, force: true }))

const spec = timestampedStore<string, number>({ name: 'table', key: serde.string, value: serde.int32 })
const open = (applicationId: string, onWiped?: (taskId: string, reason: string) => void) =>
  StateFolder.open({ folder: root, applicationId, ...(onWiped && { onWiped }) })
const storeOn = (disk: TaskDisk) => spec.make(placeOn(disk))
const placeOn = (disk: TaskDisk): Parameters<StoreSpec['make']>[0] => ({
  taskId: disk.taskId,
  log: null,
  disk,
  defaultKind: 'disk',
  cache: null,
  current: () => ({ headers: noHeaders, metadata: undefined }),
})
const at = (position: number) => new Map([['table', position]])

test('what was not committed is gone after a restart, and the position says where to go on', async () => {
  const first = open('restart')
  const disk = first.openTask('0_0')
  const store = storeOn(disk)
  assert.equal(disk.position('table'), undefined)
  store.put('a', 1, 10)
  disk.commit(at(5))
  store.put('a', 2, 20)
  store.put('b', 3, 30)
  assert.equal(store.get('b')?.value, 3)
  await first.close()
  const second = open('restart')
  const again = second.openTask('0_0')
  assert.equal(again.position('table'), 5)
  assert.deepEqual([...storeOn(again).all()], [['a', { value: 1, timestamp: 10 }]])
  await second.close()
})

test('what was put since the last commit can be given up', async () => {
  const folder = open('rollback')
  const disk = folder.openTask('0_0')
  const store = storeOn(disk)
  store.put('a', 1, 10)
  disk.commit(at(1))
  store.put('a', null, 20)
  store.put('b', 2, 20)
  disk.rollback()
  assert.deepEqual([...store.all()], [['a', { value: 1, timestamp: 10 }]])
  await folder.close()
})

test('a commit that may be put off is, while little is held back; one that must come is asked for', async () => {
  const folder = open('putting-off')
  const disk = folder.openTask('0_0')
  const store = timestampedStore({ name: 'table' }).make(placeOn(disk))
  const put = (i: number) => store.put(Buffer.from([i]), Buffer.alloc(2 ** 20), i)
  put(1)
  disk.commit(at(1), { now: false })
  assert.equal(disk.position('table'), undefined)
  for (let i = 2; i <= 17; i++) put(i)
  assert.equal(disk.wantsCommit, false)
  disk.commit(at(2), { now: false })
  assert.equal(disk.position('table'), 2)
  let puts = 0
  while (!disk.wantsCommit) put(puts++)
  assert.ok(puts > 60 && puts < 65, `${puts} MiB`)
  disk.commit(at(3))
  assert.equal(disk.wantsCommit, false)
  await folder.close()
})

test('a wiped store is empty and begins at the beginning', async () => {
  const folder = open('wiped')
  const disk = folder.openTask('0_0')
  const store = storeOn(disk)
  store.put('a', 1, 10)
  disk.commit(at(9))
  disk.wipe()
  assert.deepEqual([disk.position('table'), [...store.all()]], [undefined, []])
  await folder.close()
})

test('a folder is one instance’s at a time', async () => {
  const folder = open('shared')
  assert.throws(
    () => open('shared'),
    (error: unknown) => error instanceof UsageError && /in use/.test(error.message),
  )
  const script = `const { StateFolder } = await import(${JSON.stringify(import.meta.resolve('./state-folder.ts'))})
    try { StateFolder.open({ folder: ${JSON.stringify(root)}, applicationId: 'shared' }) } catch (error) { console.log(error.message) }`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  assert.match(stdout, /in use by another instance of 'shared'/)
  await folder.close()
  await open('shared').close()
})

test('a folder that was being made when the process died is made', async () => {
  await open('begun').close()
  writeFileSync(`${root}/begun/format`, '')
  await open('begun').close()
  assert.equal(readFileSync(`${root}/begun/format`, 'utf8'), 'odradek-streams-state 1\n')
})

test('a folder of another format is refused, with what to do', async () => {
  await open('format').close()
  writeFileSync(`${root}/format/format`, 'odradek-streams-state 2\n')
  assert.throws(
    () => open('format'),
    /of format 'odradek-streams-state 2', and this release reads 'odradek-streams-state 1'/,
  )
})

test('a damaged database is emptied, and that is told', async () => {
  for (const damage of [
    (file: string) => writeFileSync(file, 'no database'),
    (file: string) => writeFileSync(file, Buffer.alloc(8192, 0xff)),
  ]) {
    const first = open('damaged')
    const disk = first.openTask('0_0')
    storeOn(disk).put('a', 1, 10)
    disk.commit(at(1))
    await first.close()
    damage(`${root}/damaged/0_0/data.mdb`)
    const wiped: string[] = []
    const second = open('damaged', (taskId, reason) => wiped.push(`${taskId} ${reason}`))
    const again = second.openTask('0_0')
    assert.deepEqual(wiped, ['0_0 damaged'])
    assert.equal(again.position('table'), undefined)
    assert.deepEqual([...storeOn(again).all()], [])
    await second.close()
  }
})

test('a database that was cut off is emptied', async () => {
  const first = open('cut')
  const disk = first.openTask('0_0')
  const store = storeOn(disk)
  for (let i = 0; i < 1_000; i++) store.put(`key-${i}`, i, i)
  disk.commit(at(1))
  await first.close()
  truncateSync(`${root}/cut/0_0/data.mdb`, 12_288)
  const wiped: string[] = []
  const second = open('cut', (_, reason) => wiped.push(reason))
  const again = second.openTask('0_0')
  assert.deepEqual([wiped, again.position('table')], [['damaged'], undefined])
  await second.close()
})

test('after the machine died, what was not synced is not trusted', async () => {
  const first = open('machine')
  const disk = first.openTask('0_0')
  storeOn(disk).put('a', 1, 10)
  disk.commit(at(1))
  await first.close()
  writeFileSync(`${root}/machine/0_0/open`, 'an earlier boot')
  const wiped: string[] = []
  const second = open('machine', (_, reason) => wiped.push(reason))
  assert.equal(second.openTask('0_0').position('table'), undefined)
  assert.deepEqual(wiped, ['machine-died'])
  await second.close()
})

test('a database that ended the process when it was opened is not opened again', { skip: noBootId() }, async () => {
  await open('deadly').close()
  const first = open('deadly')
  const disk = first.openTask('0_0')
  disk.commit(at(1))
  await first.close()
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  writeFileSync(`${root}/deadly/0_0/open`, `opening ${boot}`)
  const wiped: string[] = []
  const second = open('deadly', (_, reason) => wiped.push(reason))
  second.openTask('0_0')
  assert.deepEqual(wiped, ['damaged'])
  await second.close()
})

test('state of tasks that are elsewhere is removed after a while, counted from when they were given up', async () => {
  const folder = open('stale')
  const wroteLast = new Date('2026-01-01T00:00:00Z')
  const givenUp = new Date(wroteLast.getTime() + 3_600_000)
  const write = (task: string) => utimesSync(`${root}/stale/${task}/data.mdb`, wroteLast, wroteLast)
  const leave = (task: string, when: Date) => utimesSync(`${root}/stale/${task}`, when, when)
  for (const task of ['0_0', '0_1', '0_2', '0_3']) {
    const disk = folder.openTask(task)
    write(task)
    if (task !== '0_2') await disk.close()
  }
  leave('0_0', givenUp)
  leave('0_1', wroteLast) // its process was killed
  leave('0_2', wroteLast) // open: it reads, and writes nothing
  assert.deepEqual(folder.removeStale(wroteLast.getTime() + 600_001, 600_000), ['0_1'])
  assert.deepEqual(folder.removeStale(givenUp.getTime() + 600_000, 600_000), [])
  assert.deepEqual(folder.removeStale(givenUp.getTime() + 600_001, 600_000), ['0_0'])
  assert.deepEqual(folder.tasks(), ['0_2', '0_3']) // 0_3 was given up just now
  await folder.close()
})

test('kill -9 at any moment leaves the state of a commit, with its position', async () => {
  for (let round = 0; round < 2; round++) {
    const child = fork(new URL('../testing/state-writer.ts', import.meta.url), [root, 'killed'], { stdio: 'ignore' })
    await new Promise<void>((resolve, reject) => {
      child.on('message', commits => (commits as number) >= 10 + round * 7 && child.kill('SIGKILL'))
      child.on('exit', (code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(`ended with ${code}`))))
    })
    const wiped: string[] = []
    const folder = open('killed', (_, reason) => wiped.push(reason))
    const disk = folder.openTask('0_0')
    const position = disk.position('table')!
    assert.deepEqual(wiped, [])
    assert.ok(position >= 10, `position ${position}`)
    // The writer sets every key to the number of the commit.
    const values = [...storeOn(disk).all()].map(([, { value }]) => value)
    assert.equal(values.length, 500)
    assert.deepEqual([...new Set(values)], [position])
    await folder.close()
  }
})

test('kill -9 in a commit of several parts leaves changes that restoring from the position repeats, and no others', async () => {
  const count = 5_000
  const child = fork(new URL('../testing/state-writer.ts', import.meta.url), [root, 'parts', String(count)], {
    stdio: 'ignore',
  })
  await new Promise<void>((resolve, reject) => {
    child.on('message', async commits => {
      if ((commits as number) !== 3) return
      await sleep(4)
      child.kill('SIGKILL')
    })
    child.on('exit', (code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(`ended with ${code}`))))
  })
  const folder = open('parts')
  const disk = folder.openTask('0_0')
  const position = disk.position('table')!
  const values = [...storeOn(disk).all()].map(([, { value }]) => value)
  assert.equal(values.length, count)
  assert.ok(position >= 3 && values.every(value => value === position || value === position + 1))
  await folder.close()
})

test('a full disk is an error, and the position stays before what could not be written', {
  skip: noTmpfs(),
}, async () => {
  const small = mkdtempSync(`${tmpdir()}/odradek-full-`)
  const { execFileSync } = await import('node:child_process')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small])
  try {
    const folder = StateFolder.open({ folder: small, applicationId: 'full' })
    const disk = folder.openTask('0_0')
    const store = storeOn(disk)
    store.put('a', 1, 1)
    disk.commit(at(1))
    for (let i = 0; i < 100_000; i++) store.put(`key-${i}`, i, i)
    assert.throws(() => disk.commit(at(2)), /cannot be written to .*Is the disk full/)
    assert.equal(disk.position('table'), 1)
    disk.rollback()
    assert.deepEqual(store.get('a'), { value: 1, timestamp: 1 })
    store.put('b', 2, 2)
    disk.commit(at(3))
    assert.equal(disk.position('table'), 3)
    await folder.close()
  } finally {
    execFileSync('umount', ['-l', small])
    rmSync(small, { recursive: true, force: true })
  }
})

function noTmpfs(): string | false {
  const isRoot = process.getuid?.() === 0
  return isRoot && /tmpfs/.test(readFileSync('/proc/filesystems', 'utf8')) ? false : 'needs to mount a tmpfs'
}

function noBootId(): string | false {
  return existsSync('/proc/sys/kernel/random/boot_id') ? false : 'the system does not name its boot'
}

test('a key that is too long for the disk is refused when it is put, and the store named', async () => {
  const folder = open('long-keys')
  const disk = folder.openTask('0_0')
  const store = storeOn(disk)
  store.put('k'.repeat(1_977), 1, 1)
  assert.throws(
    () => store.put('k'.repeat(1_978), 1, 1),
    /A key of store 'table' has 1978 bytes; on disk it may have 1977/,
  )
  disk.commit(at(1))
  assert.equal([...store.range({ to: 'l'.repeat(3_000) })].length, 1)
  await folder.close()
})
