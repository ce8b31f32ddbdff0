/**
 * The active segment cut off at every byte of its last 64 KiB: the log starts, serves every complete batch and nothing else, and takes
 * new records after them. Two histories of each: the bytes cut off were never known to be durable (the end of a write that was torn),
 * or they were (a loss, which is answered for and never given to somebody else).
 *
 * On a disk in memory, since there are 65,536 places: a start takes a millisecond or two.
 */
import { EmbeddedEngine } from '@odradek/log'
import { ErrorCodes } from '@odradek/protocol'
import { type Disk, memoryDisk, realClock } from '@odradek/world'
import { batchOf, recordsOf, topicOf } from '../../packages/log/src/testing/batches.ts'

export interface TruncationFigures {
  /** `torn`: of an unfinished write; `lost`: of what was acknowledged. */
  history: 'torn' | 'lost'
  cuts: number
  /** Complete batches that were served, and bytes that were cut off, over all. */
  batchesServed: number
  problems: string[]
}

export interface TruncationOptions {
  /** How many of the last bytes are cut off, one after the other. */
  bytes?: number
  /** Only each so-manieth place; 1: all. */
  step?: number
}

interface Written {
  files: Map<string, Uint8Array>
  /** The checkpoint as it was before the last 64 KiB. */
  earlyCheckpoint: Uint8Array
  values: string[]
  /** Size of the segment after each batch. */
  ends: number[]
}

const folder = '/data'
const segment = `${folder}/orders-0/00000000000000000000.log`
const checkpoint = `${folder}/checkpoint`
const patience = () => ({ acks: -1 as const, deadline: realClock.monotonic() + 10_000 })

export async function truncations({
  bytes = 64 * 1024,
  step = 1,
}: TruncationOptions = {}): Promise<TruncationFigures[]> {
  const written = await writeLog(bytes)
  const all: TruncationFigures[] = []
  for (const history of ['torn', 'lost'] as const) {
    const figures: TruncationFigures = { history, cuts: 0, batchesServed: 0, problems: [] }
    const whole = written.files.get(segment)!.length
    for (let length = whole; length >= whole - bytes; length -= step) await cutAt(written, length, figures)
    all.push(figures)
  }
  return all
}

async function writeLog(bytes: number): Promise<Written> {
  const disk = memoryDisk()
  const engine = await startOn(disk, 1)
  const values: string[] = []
  const ends: number[] = []
  let size = 0
  let earlyCheckpoint: Uint8Array | undefined
  for (let i = 0; size < bytes + 8 * 1024; i++) {
    if (size < 8 * 1024) earlyCheckpoint = await disk.readFile(checkpoint)
    values.push(`${i} `.padEnd(100 + ((i * 611) % 1500), '*'))
    const batch = batchOf({ values: values.slice(-1), timestamp: 1000 + i })
    await engine.append([batch], patience())
    ends.push((size += batch.bytes.length))
  }
  await engine.append([batchOf({ partition: 2, values: ['other'] })], patience())
  await engine.close({ drain: false })
  const files = await contentOf(disk, folder)
  // With it, nothing that is cut off would be missing: it has every byte that is not synced elsewhere.
  for (const path of files.keys()) if (path.includes('/journal/')) files.delete(path)
  return { files, earlyCheckpoint: earlyCheckpoint!, values, ends }
}

async function cutAt({ files, earlyCheckpoint, values, ends }: Written, length: number, figures: TruncationFigures) {
  const { history, problems } = figures
  const complete = ends.filter(end => end <= length).length
  const changed = new Map(files).set(segment, files.get(segment)!.subarray(0, length))
  if (history === 'torn') changed.set(checkpoint, earlyCheckpoint)
  const problem = (text: string) => void problems.push(`${history}, cut after ${length} bytes: ${text}`)
  try {
    const engine = await startOn(await diskWith(changed), 2)
    const found = await readAll(engine)
    figures.cuts++
    figures.batchesServed += found.length
    if (found.length !== complete) problem(`serves ${found.length} records, not ${complete}`)
    found.forEach(({ offset, value }, i) => {
      if (offset !== i || value !== values[i]) problem(`serves '${value.slice(0, 20)}' at ${offset}`)
    })
    await goesOn(engine, history === 'torn' ? complete : values.length, problem)
    await engine.close({ drain: false })
  } catch (error) {
    problem((error as Error).stack ?? String(error))
  }
}

/** What is answered for is passed over, as a consumer would. */
async function readAll(engine: EmbeddedEngine, from = 0) {
  const found: { offset: number; value: string }[] = []
  for (let offset = from; ; ) {
    const [result] = await engine.read([{ partition: 1, offset, maxBytes: 1 << 20, isolation: 'uncommitted' }], {
      maxBytes: 1 << 20,
      minOne: true,
    })
    if (!result!.ok) {
      if (result!.error !== ErrorCodes.CORRUPT_MESSAGE) throw new Error(`answers ${result!.error} at ${offset}`)
      offset++
      continue
    }
    const records = recordsOf(result, offset)
    if (records.length === 0) return found
    found.push(...records)
    offset = records.at(-1)!.offset + 1
  }
}

async function goesOn(engine: EmbeddedEngine, at: number, problem: (text: string) => void): Promise<void> {
  const [answer, other] = await engine.append(
    [batchOf({ values: ['next'] }), batchOf({ partition: 2, values: ['next'] })],
    patience(),
  )
  if (!answer!.ok || answer!.baseOffset !== at) problem(`a new record is answered ${JSON.stringify(answer)}, not ${at}`)
  if (!other!.ok || other!.baseOffset !== 1) problem(`the other partition answers ${JSON.stringify(other)}`)
  const [read] = await readAll(engine, at)
  if (read?.value !== 'next') problem('the new record is not served')
}

async function startOn(disk: Disk, leaderEpoch: number): Promise<EmbeddedEngine> {
  const limits = { journalBytes: 0, tailBytes: 4096, tailBytesEach: 2048 }
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder, leaderEpoch, limits })
  await engine.open(topicOf())
  return engine
}

async function contentOf(disk: Disk, at: string, content = new Map<string, Uint8Array>()) {
  for (const name of await disk.list(at)) {
    const path = `${at}/${name}`
    if (await disk.list(path).catch(() => undefined)) await contentOf(disk, path, content)
    else content.set(path, await disk.readFile(path))
  }
  return content
}

async function diskWith(files: ReadonlyMap<string, Uint8Array>): Promise<Disk> {
  const disk = memoryDisk()
  for (const [path, bytes] of files) {
    await disk.makeFolder(path.slice(0, path.lastIndexOf('/')))
    const file = await disk.open(path, 'fresh')
    file.write(0, [bytes])
    await file.close()
  }
  return disk
}
