/** Crash images: what they may hold and must, and that they tell a log that keeps its promises from one whose syncs are worth nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, SeededRandom, SimulatedClock } from '@odradek/world'
import { crashAll } from './images/crash-all.ts'
import { CrashImages } from './images/crash-images.ts'
import type { JournalEntry } from './images/disk-journal.ts'
import { type Note, recordHistory } from './images/engine-history.ts'
import { RecordingDisk } from './images/recording-disk.ts'

const random = new SeededRandom(1)

async function recorded(run: (disk: RecordingDisk<never>) => Promise<void>): Promise<readonly JournalEntry<never>[]> {
  const clock = new SimulatedClock()
  const disk = new RecordingDisk<never>(clock, random)
  await clock.finish(run(disk))
  return disk.journal
}

const content = async (disk: Disk, path: string) => Buffer.from(await disk.readFile(path)).toString()

test('what was synced is in every image; what was not is there, gone, or there up to some point', async () => {
  const journal = await recorded(async disk => {
    const file = await disk.open('/a', 'create')
    await disk.syncFolder('/')
    file.write(0, [Buffer.from('durable')])
    const syncing = file.sync()
    file.write(7, [Buffer.from(' meanwhile')])
    await syncing
    file.write(17, [Buffer.from(' and after')])
  })
  const images = new CrashImages(journal)
  images.advance(journal.length)
  assert.equal(await content(await images.image('lost', random), '/a'), 'durable')
  assert.equal(await content(await images.image('kept', random), '/a'), 'durable meanwhile and after')
  const seen = new Set<string>()
  for (let i = 0; i < 100; i++) seen.add(await content(await images.image('prefix', random), '/a'))
  assert.deepEqual([...seen].sort(), ['durable', 'durable meanwhile', 'durable meanwhile and after'])
})

test('a write is torn at sectors, and leaves zeroes where it was not', async () => {
  const journal = await recorded(async disk => {
    const file = await disk.open('/a', 'create')
    await disk.syncFolder('/')
    file.write(0, [Buffer.alloc(1_024, 1)])
  })
  const images = new CrashImages(journal)
  images.advance(journal.length)
  const seen = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const left = await (await images.image('torn', random)).readFile('/a')
    seen.add(`${left.length}: ${left[0]} ${left[512]}`)
  }
  assert.deepEqual([...seen].sort(), ['0: undefined undefined', '1024: 0 1', '1024: 1 1', '512: 1 undefined'])
})

test('names are those of some moment since the folder was synced; a rename happens whole or not at all', async () => {
  const journal = await recorded(async disk => {
    await disk.makeFolder('/data')
    await disk.open('/data/a', 'create')
    await disk.syncFolder('/')
    await disk.syncFolder('/data')
    await disk.rename('/data/a', '/data/b')
    await disk.open('/data/c', 'create')
    await disk.remove('/data/b')
  })
  const images = new CrashImages(journal)
  images.advance(journal.length)
  const seen = new Set<string>()
  for (let i = 0; i < 100; i++) seen.add((await (await images.image('prefix', random)).list('/data')).join())
  assert.deepEqual([...seen].sort(), ['a', 'b', 'b,c', 'c'])
})

const lost = async (journal: readonly JournalEntry<Note>[]) => {
  let count = 0
  const { images } = await crashAll(journal, 1, found => (count += found.length))
  assert.ok(images > 100)
  return count
}

test('a log keeps what it promised, whatever a crash leaves', async () => {
  assert.equal(await lost(await recordHistory(3, 6)), 0)
})

test('syncs of files that do nothing are found out', async () => {
  const idle = (entry: JournalEntry<Note>): JournalEntry<Note> =>
    entry.kind === 'synced' ? { ...entry, covers: 0 } : entry
  assert.ok((await lost((await recordHistory(3, 5)).map(idle))) > 0)
})

test('syncs of folders that do nothing are found out', async () => {
  const journal = await recordHistory(3, 5)
  // That of the data folder itself is not the program's.
  const first = journal.findIndex(({ kind }) => kind === 'names-synced')
  const idle = (entry: JournalEntry<Note>, at: number): JournalEntry<Note> =>
    entry.kind === 'names-synced' && at > first ? { ...entry, covers: 0 } : entry
  assert.ok((await lost(journal.map(idle))) > 0)
})
