/**
 * One partition into a backup, while a broker may append to it, roll it, compact it, or let segments of it go.
 *
 *     sealed segments   a link each: what the name stands for later does not matter
 *     the last one      its whole batches before the durable offset, copied
 *     beside them       sidecars made from what was read, the newest snapshot that is not ahead, partition.metadata
 *
 * In the end the folder is looked at again: if what was linked or copied still is what the folder holds, it belongs together; if not, it
 * is done again. (A segment that was copied before a pass of compaction and one that was copied after the next could bring back a key
 * that was deleted: the one has the value, the other no tombstone any more.)
 */
import { createHash, type Hash } from 'node:crypto'
import { CorruptionError, UsageError } from '@odradek/protocol'
import type { Clock, Disk } from '@odradek/world'
import { cleanedOffsetName } from '../compaction/compaction-files.ts'
import { partitionKey } from '../folder/checkpoint.ts'
import {
  metadataName,
  offsetInName,
  quarantineName,
  segmentName,
  sidecarName,
  snapshotName,
} from '../folder/file-names.ts'
import { listIfThere, readFileIfThere } from '../folder/whole-file.ts'
import { decodeSnapshot } from '../producers/producer-snapshot.ts'
import type { BackupPartition } from './backup-manifest.ts'
import { sumFile } from './file-copy.ts'
import { type BadSegment, mendedByFormer } from './former-copy.ts'
import type { JournaledPart } from './journal-file.ts'
import { topicOfFolder } from './partition-check.ts'
import { type DescribedSegment, describeSegment } from './segment-description.ts'
import { readSidecar } from './sidecar-file.ts'
import type { StoredFiles } from './stored-files.ts'
import { endsOf } from './verify.ts'

export interface PartitionToBackUp {
  readonly disk: Disk
  readonly root: string
  readonly topic: string
  readonly index: number
  /** A broker may be at work: what lies past the durable offset may be half written. */
  readonly live: boolean
  readonly stored: StoredFiles
  /** Whose files an earlier backup stored under this name. */
  readonly formerTopicId: string | undefined
  /** What the journal held when the backup began, by partition: acknowledged, and not yet in the checkpoint. */
  readonly journal: ReadonlyMap<string, JournaledPart>
  readonly clock: Clock
  readonly onBytes: (bytes: number) => void
  /** What a person must look at: something in the data folder has gone bad. */
  readonly damaged: (remark: string) => void
}

/** There are records, and nothing says whose they are. */
export class OwnerLost extends CorruptionError {
  constructor(folder: string) {
    super(`${folder} has records, and its ${metadataName} is missing or damaged`, { file: `${folder}/${metadataName}` })
  }
}

const mostAttempts = 100
const pauseMs = 50

/** Undefined when there is no such partition any more. Throws OwnerLost. */
export async function backUpPartition(what: PartitionToBackUp): Promise<BackupPartition | undefined> {
  const folder = `${what.root}/${what.topic}-${what.index}`
  let last: unknown
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    last = undefined
    const done = await new PartitionBackup(what, folder).run().catch(error => {
      if (!what.live || !mayBeChange(error)) throw error
      last = error
      return 'changed' as const
    })
    if (done !== 'changed') return done
    await new Promise<void>(resolve => void what.clock.timer(pauseMs, resolve))
  }
  if (last instanceof CorruptionError) throw last
  throw new UsageError(`${folder} kept changing while it was copied: try again when less is going on there.`, {
    code: 'BACKUP_BUSY',
  })
}

/** A file that is gone, or shorter than it was a moment ago: compaction and retention do that. */
const mayBeChange = (error: unknown): boolean =>
  error instanceof CorruptionError || (error as NodeJS.ErrnoException).code === 'ENOENT'

class PartitionBackup {
  readonly #what: PartitionToBackUp
  readonly #folder: string
  /** Segments, by name, and where their links are. */
  readonly #linked = new Map<string, string>()
  /** How much of each was copied. Compaction that takes anything away leaves less. */
  readonly #copied = new Map<string, number>()
  #isFormersTopic = false

  constructor(what: PartitionToBackUp, folder: string) {
    this.#what = what
    this.#folder = folder
  }

  async run(): Promise<BackupPartition | 'changed' | undefined> {
    const { disk, root, topic, index, stored, journal } = this.#what
    stored.files.length = 0
    const topicId = await topicOfFolder(disk, this.#folder)
    if (topicId === undefined) {
      const names = await listIfThere(disk, this.#folder)
      if (names.some(name => offsetInName(name, 'log') !== undefined)) throw new OwnerLost(this.#folder)
      return undefined
    }
    this.#isFormersTopic = topicId === this.#what.formerTopicId
    const key = partitionKey(topicId, index)
    const ends = (await endsOf(disk, root))?.get(key)
    const durableOffset = Math.max(ends?.durableOffset ?? 0, journal.get(key)?.nextOffset ?? 0)
    // Before the segments: it must not speak of cleaning that they have not seen.
    const cleaned = await readFileIfThere(disk, `${this.#folder}/${cleanedOffsetName}`)
    if (cleaned !== undefined) await stored.put(cleanedOffsetName, cleaned)
    const bases = await this.#bases()
    if (bases === undefined) return 'changed'
    const last = bases.at(-1)
    const owner = await disk.readFile(`${this.#folder}/${metadataName}`)
    await stored.put(metadataName, owner)
    for (const base of bases.slice(0, -1)) await this.#sealed(base, bases[bases.indexOf(base) + 1]!)
    const nextOffset = last === undefined ? 0 : await this.#active(last, durableOffset)
    await this.#snapshot(nextOffset)
    if (!(await this.#isStill(bases)) || (await topicOfFolder(disk, this.#folder)) !== topicId) return 'changed'
    // Compaction has begun since: what it has taken would be missed in a copy that does not say so.
    if (cleaned === undefined && (await disk.exists(`${this.#folder}/${cleanedOffsetName}`))) return 'changed'
    const logStartOffset = Math.min(nextOffset, ends?.logStartOffset ?? bases[0] ?? 0)
    return { topic, index, topicId, logStartOffset, nextOffset, files: [...stored.files] }
  }

  /** Undefined while compaction swaps segments: some are between two names. */
  async #bases(): Promise<number[] | undefined> {
    const names = await this.#what.disk.list(this.#folder)
    const isSwapping = names.some(name => name.endsWith('.swap'))
    if (isSwapping && !this.#what.live)
      throw new UsageError(
        `${this.#folder} holds a compaction that was interrupted: start a broker on the folder, which ends it, and repeat the backup.`,
      )
    if (isSwapping) return undefined
    return names.map(name => offsetInName(name, 'log')).filter(base => base !== undefined)
  }

  async #sealed(base: number, nextBase: number): Promise<void> {
    const { disk, stored, onBytes } = this.#what
    const name = segmentName(base)
    const source = `${this.#folder}/${name}`
    const known = stored.before(name)
    if (known?.linked && (await disk.isSameFile(source, stored.pathOf(known)))) {
      stored.note(known)
      const sidecar = await stored.bytesBefore(sidecarName(base))
      if (sidecar !== undefined) await stored.put(sidecarName(base), sidecar)
      await this.#knownDamage(base, source)
      this.#linked.set(name, stored.pathOf(known))
      return
    }
    const link = await stored.link(name, source)
    const path = link === undefined ? source : stored.pathOf({ stored: link })
    const { described, sha256, extent } = await this.#read(path, base, nextBase, Number.POSITIVE_INFINITY)
    const { walk } = described
    if (walk.damaged.length > 0 || walk.end < Math.max(described.fileSize, extent.logSize)) {
      if (await this.#mended(base, { name, source, extent, end: walk.end })) return
      this.#sayDamage(source, described, extent.logSize)
    }
    if (link === undefined) {
      await stored.copy(name, source, described.fileSize, sha256, onBytes)
      this.#copied.set(name, described.fileSize)
    } else {
      stored.note({ name, stored: link, size: described.fileSize, sha256, linked: true })
      this.#linked.set(name, path)
    }
    await this.#besides(base, described)
  }

  /** The offset before which everything is in the backup. */
  async #active(base: number, durableOffset: number): Promise<number> {
    const { stored, live, onBytes, damaged } = this.#what
    const name = segmentName(base)
    const source = `${this.#folder}/${name}`
    const until = live ? await this.#durableEnd(base, durableOffset) : Number.POSITIVE_INFINITY
    const known = stored.before(name)
    const read = await this.#read(source, base, Number.POSITIVE_INFINITY, until, known?.size)
    const { described, sha256, prefix, extent } = read
    const { walk } = described
    if (walk.damaged.length > 0 || walk.nextOffset < durableOffset) {
      const mended = await this.#mended(base, { name, source, extent, end: walk.end })
      if (mended) return mended.walk.nextOffset
      if (walk.damaged.length > 0) this.#sayDamage(source, { ...described, walk: { ...walk, tail: undefined } })
    }
    if (walk.nextOffset < durableOffset)
      damaged(
        `${source} ends at offset ${walk.nextOffset}, but records up to ${durableOffset} were acknowledged: start a broker on the folder, which mends what can be mended, and back it up again`,
      )
    const isPrefix = known !== undefined && !known.linked && prefix === known.sha256 && known.size <= walk.end
    if (isPrefix) await stored.extend(known, source, walk.end, sha256, onBytes)
    else await stored.copy(name, source, walk.end, sha256, onBytes)
    this.#copied.set(name, walk.end)
    await this.#besides(base, described)
    return walk.nextOffset
  }

  async #durableEnd(base: number, durableOffset: number): Promise<number> {
    const bytes = await readFileIfThere(this.#what.disk, `${this.#folder}/${sidecarName(base)}`)
    const described = (bytes && readSidecar(bytes)?.head.nextOffset) ?? base
    return Math.max(base, described, durableOffset)
  }

  /** What a segment holds, its sum, and that of its first `prefixSize` bytes. */
  async #read(path: string, base: number, before: number, until: number, prefixSize = -1) {
    const { disk, onBytes } = this.#what
    const file = await disk.open(path, 'read')
    try {
      const extent = await this.#extent(base, before, until)
      const hash: Hash = createHash('sha256')
      let prefix: string | undefined
      const atPrefix = (position: number) => {
        if (position === prefixSize) prefix = hash.copy().digest('hex')
      }
      const described = await describeSegment(file, extent, (header, bytes, position) => {
        atPrefix(position)
        hash.update(bytes.subarray(header.at, header.end))
        onBytes(header.sizeInBytes)
      })
      atPrefix(described.walk.end)
      const isWhole = described.walk.damaged.length === 0
      const size = before === Number.POSITIVE_INFINITY ? described.walk.end : file.size
      if (!isWhole || size !== described.walk.end)
        return { described, sha256: await sumFile(file, { size }), prefix: undefined, extent }
      return { described, sha256: hash.digest('hex'), prefix, extent }
    } finally {
      await file.close()
    }
  }

  /** A link that is there is not read again; what the broker or its scrub has found in it is known. */
  async #knownDamage(base: number, source: string): Promise<void> {
    const { disk, stored, damaged } = this.#what
    const quarantine = await readFileIfThere(disk, `${this.#folder}/${quarantineName(base)}`)
    if (quarantine === undefined) return
    await stored.put(quarantineName(base), quarantine)
    damaged(`${source} is damaged, and a link in the backup shares its bytes. odradek log verify says more`)
  }

  /** Whether an earlier backup has what has gone bad here: then that stays, and what came since is added. */
  async #mended(base: number, segment: BadSegment): Promise<DescribedSegment | undefined> {
    const { disk, stored, damaged } = this.#what
    const mended = this.#isFormersTopic ? await mendedByFormer(disk, stored, segment) : undefined
    if (mended === undefined) return undefined
    damaged(
      `${segment.source} is damaged since the backup before, which had it whole: the backup keeps that. Mend the data folder: odradek log repair --from this backup`,
    )
    this.#copied.set(segment.name, segment.end)
    await stored.put(sidecarName(base), mended.sidecar)
    return mended
  }

  /** `logSize`: how long it once was. */
  #sayDamage(source: string, { walk }: DescribedSegment, logSize = 0): void {
    const places = [...walk.damaged, ...(walk.tail ? [walk.tail] : [])]
    const say = (position: number, reason: string) =>
      this.#what.damaged(
        `${source} is damaged at byte ${position} (${reason}); it is in the backup as it is. odradek log verify says more`,
      )
    for (const { position, reason } of places) say(position, reason)
    if (places.length === 0 && walk.end < logSize) say(walk.end, `it ends here, and had ${logSize} bytes`)
  }

  async #extent(baseOffset: number, before: number, until: number) {
    const bytes = await readFileIfThere(this.#what.disk, `${this.#folder}/${sidecarName(baseOffset)}`)
    const isLast = before === Number.POSITIVE_INFINITY
    const head = isLast || bytes === undefined ? undefined : readSidecar(bytes)?.head
    const { nextOffset: endsAt = 0, logSize = 0 } = head !== undefined && head.nextOffset <= before ? head : {}
    return { baseOffset, before, until, dense: isLast, endsAt, logSize }
  }

  async #besides(base: number, { sidecar }: DescribedSegment): Promise<void> {
    const { stored, disk } = this.#what
    await stored.put(sidecarName(base), sidecar)
    const quarantine = await readFileIfThere(disk, `${this.#folder}/${quarantineName(base)}`)
    if (quarantine !== undefined) await stored.put(quarantineName(base), quarantine)
  }

  /** Without it a start of the restored folder would read the whole log. */
  async #snapshot(nextOffset: number): Promise<void> {
    const { disk, stored } = this.#what
    const offsets = (await disk.list(this.#folder)).map(name => offsetInName(name, 'snapshot'))
    for (const offset of offsets.filter(each => each !== undefined && each <= nextOffset).reverse()) {
      const bytes = await readFileIfThere(disk, `${this.#folder}/${snapshotName(offset!)}`)
      if (bytes === undefined || decodeSnapshot(bytes, offset!) === undefined) continue
      return stored.put(snapshotName(offset!), bytes)
    }
  }

  /** Whether what was linked or copied is what stands there now; the last segment may have grown or been closed, and others begun. */
  async #isStill(bases: readonly number[]): Promise<boolean> {
    const { disk } = this.#what
    const now = await this.#bases()
    if (now === undefined || !bases.every((base, i) => now[i] === base)) return false
    for (const [name, path] of this.#linked) if (!(await disk.isSameFile(`${this.#folder}/${name}`, path))) return false
    for (const [name, size] of this.#copied) if ((await this.#sizeOf(name)) < size) return false
    return true
  }

  async #sizeOf(name: string): Promise<number> {
    const file = await this.#what.disk.open(`${this.#folder}/${name}`, 'read')
    try {
      return file.size
    } finally {
      await file.close()
    }
  }
}
