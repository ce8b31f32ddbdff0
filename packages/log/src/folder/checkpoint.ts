/**
 * How far every partition is durable and where it begins, in one file for all: what a log cannot tell from its own bytes. A torn tail
 * ends past the durable offset; damage before it is a loss and must never be cut off quietly. FORMAT.md has the bytes.
 *
 *     header 64 │ slot 0 │ slot 1 │ …          slot = two copies of 64 bytes: the newer is written over the older
 *
 * A slot is written after each group commit of its partition, in place, without a sync of its own: a killed process loses nothing of
 * it. After a power loss it may be old, which only makes recovery look at more. It is synced a second later, before a raised log
 * start is answered, and at shutdown.
 */
import { crc32c, UsageError } from '@odradek/protocol'
import type { Clock, Disk, DiskFile, Timer } from '@odradek/world'
import { CoalescedSync } from '../sync/coalesced-sync.ts'
import { checkpointName } from './file-names.ts'
import { ifUnreadable, parentFolder, readFileIfThere, writeFile } from './whole-file.ts'

export interface CheckpointSlot {
  /** Topic id and index; free slots have none. */
  key: string | undefined
  readonly number: number
  readonly sequence: number
  readonly durableOffset: number
  readonly logStartOffset: number
  /** What the other copy says; -1: nothing. */
  readonly otherLogStart: number
}

const magic = 0x4f444350 // "ODCP"
/** 2: there may be a journal, which holds what was acknowledged. Written as soon as this program takes a folder of an older format. */
const version = 2
export const headerSize = 64
export const copySize = 64
export const slotSize: number = 2 * copySize
const kinds = { free: 0, partition: 1, clock: 2 } as const
export const clockKey = 'clock'
const syncAfterMs = 1000

export const partitionKey = (topicId: string, index: number): string => `${topicId}/${index}`

export class Checkpoint {
  readonly #clock: Clock
  readonly #file: DiskFile
  readonly #slots: CheckpointSlot[]
  readonly #byKey = new Map<string, CheckpointSlot>()
  readonly #free: CheckpointSlot[] = []
  readonly #sync: CoalescedSync
  /** What was found to be wrong when it was opened. */
  readonly remarks: readonly string[]
  #syncTimer: Timer | undefined

  private constructor(clock: Clock, file: DiskFile, slots: CheckpointSlot[], remarks: readonly string[]) {
    this.#clock = clock
    this.remarks = remarks
    this.#file = file
    this.#slots = slots
    this.#sync = new CoalescedSync(() => file.sync(), { afterFailure: 'fail' })
    for (const slot of slots) {
      if (slot.key === undefined) this.#free.push(slot)
      else this.#byKey.set(slot.key, slot)
    }
  }

  /**
   * Makes the file when it is missing. What is no checkpoint at all is kept under another name; a header that is damaged is mended: each
   * slot stands for itself. Throws a UsageError for a newer format.
   */
  static async open(clock: Clock, disk: Disk, folder: string): Promise<Checkpoint> {
    const path = `${folder}/${checkpointName}`
    const found = await readFileIfThere(disk, path).catch(ifUnreadable(null))
    const { state, slots, remarks } = found === null ? unreadable() : examine(found ?? new Uint8Array(0))
    if (found && state === 'newer') checkHeader(found, path)
    const isEmpty = found !== null && !found?.length
    if (isEmpty && (await holdsPartitions(disk, folder)))
      remarks.push(`the checkpoint is ${found === undefined ? 'missing' : 'empty'}: made anew. ${lostStarts}`)
    if (state === 'strange') remarks.push(`${lostStarts} It was kept as ${await keepAside(disk, folder)}`)
    if (found === undefined || state === 'strange') {
      await writeFile(disk, path, encodeHeader(), { sync: true })
      await disk.syncFolder(parentFolder(path))
    }
    const file = await disk.open(path, 'existing')
    try {
      if (state === 'damaged' || state === 'older') {
        file.write(0, [encodeHeader()])
        await file.sync()
      }
      for (const number of lostSlots(found, slots))
        file.write(headerSize + number * slotSize, [new Uint8Array(slotSize)])
    } catch (error) {
      await file.close()
      throw error
    }
    return new Checkpoint(clock, file, slots, remarks)
  }

  /** The slot of a partition; undefined when it never committed anything, or its slot was lost. */
  find(key: string): CheckpointSlot | undefined {
    return this.#byKey.get(key)
  }

  claim(key: string): CheckpointSlot {
    const found = this.#byKey.get(key)
    if (found !== undefined) return found
    const slot = this.#free.pop() ?? {
      key,
      number: this.#slots.length,
      sequence: 0,
      durableOffset: 0,
      logStartOffset: 0,
      otherLogStart: -1,
    }
    if (slot.number === this.#slots.length) this.#slots.push(slot)
    slot.key = key
    this.#byKey.set(key, slot)
    return slot
  }

  /** Throws what the disk throws; then the slot still says what it said. */
  write(slot: CheckpointSlot, ends: { durableOffset: number; logStartOffset: number }): void {
    const sequence = (slot.sequence + 1) >>> 0
    const at = headerSize + slot.number * slotSize + (sequence % 2) * copySize
    const { durableOffset, logStartOffset } = ends
    this.#file.write(at, [encodeCopy({ ...slot, durableOffset, logStartOffset, sequence })])
    Object.assign(slot, { durableOffset, logStartOffset, sequence, otherLogStart: slot.logStartOffset })
    this.#syncTimer ??= this.#clock.timer(syncAfterMs, () => this.#syncUnasked())
  }

  /** Durable, and its log start in both copies: one that is damaged later must not bring back what was deleted. */
  async settle(slot: CheckpointSlot): Promise<void> {
    await this.sync()
    if (slot.otherLogStart === slot.logStartOffset) return
    this.write(slot, slot)
    await this.sync()
  }

  /** A failure shows when a sync is asked for. */
  #syncUnasked(): void {
    this.#syncTimer = undefined
    this.#sync.request().catch(() => undefined)
  }

  /** Both copies go: an older one must not come back. */
  free(slot: CheckpointSlot): void {
    if (slot.key !== undefined) this.#byKey.delete(slot.key)
    slot.key = undefined
    for (let copy = 0; copy < 2; copy++) this.write(slot, { durableOffset: 0, logStartOffset: 0 })
    this.#free.push(slot)
  }

  /** Wall time that was seen last, -1 when there is none: a start notices when the clock has jumped meanwhile. */
  get lastWallTime(): number {
    return this.#byKey.get(clockKey)?.durableOffset ?? -1
  }

  set lastWallTime(now: number) {
    this.write(this.claim(clockKey), { durableOffset: now, logStartOffset: 0 })
  }

  sync(): Promise<void> {
    return this.#sync.request()
  }

  close(): Promise<void> {
    this.#syncTimer?.cancel()
    return this.#file.close()
  }
}

function encodeHeader(): Uint8Array {
  const bytes = new Uint8Array(headerSize)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  view.setUint32(60, crc32c(bytes, 0, 60))
  return bytes
}

/** Release 0.1.0 wrote a header without a checksum; none but it did. */
function headerState(bytes: Uint8Array): 'whole' | 'older' | 'newer' | 'damaged' {
  if (bytes.length < headerSize) return 'damaged'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isSealed = view.getUint32(60) === crc32c(bytes, 0, 60)
  const isUnsealed = bytes.subarray(8, headerSize).every(each => each === 0)
  if (view.getUint32(0) !== magic || !(isSealed || isUnsealed)) return 'damaged'
  const found = view.getUint32(4)
  if (!isSealed) return found === 1 ? 'older' : 'damaged'
  if (found === version) return 'whole'
  return found > version ? 'newer' : 'older'
}

/** Throws a UsageError for a file that does not begin like a checkpoint of a format that is known. */
export function checkHeader(bytes: Uint8Array, path: string): void {
  const state = headerState(bytes)
  if (state === 'damaged') {
    throw new UsageError(
      `${path} does not begin like a checkpoint of this program. Start a broker on the folder to have it mended.`,
      { code: 'DATA_FOLDER' },
    )
  }
  if (state === 'newer') {
    const found = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4)
    throw new UsageError(
      `The data folder has log format ${found}, this program reads up to ${version}. Start it with the release that wrote it, or a newer one.`,
      { code: 'DATA_FOLDER' },
    )
  }
}

interface Examined {
  /** `strange`: there is not one slot in it that could be used. */
  state: 'whole' | 'older' | 'newer' | 'damaged' | 'strange'
  slots: CheckpointSlot[]
  remarks: string[]
}

const unreadable = (): Examined => ({ state: 'strange', slots: [], remarks: ['the checkpoint cannot be read'] })

/** What nothing but the checkpoint knows. */
const lostStarts =
  'Each log begins where its first segment does: records that were deleted before (DeleteRecords, `odradek topic trim`) may be there again. Delete them again where that matters.'

/** A new folder has none. */
async function holdsPartitions(disk: Disk, folder: string): Promise<boolean> {
  return (await disk.list(folder)).some(name => /-\d+$/.test(name))
}

function examine(bytes: Uint8Array): Examined {
  const header = headerState(bytes)
  const count = Math.ceil(Math.max(0, bytes.length - headerSize) / slotSize)
  const slots = Array.from({ length: count }, (_, number) => decodeSlot(bytes, number))
  const harmed = slots.filter(slot => damagedCopies(bytes, slot.number) > 0)
  const remarks: string[] = []
  const isStrange = header === 'damaged' && slots.every(slot => slot.sequence === 0)
  if (bytes.length === 0) return { state: 'damaged', slots, remarks }
  if (isStrange) return { state: 'strange', slots: [], remarks: ['the checkpoint is nothing that can be read'] }
  if (header === 'damaged') remarks.push('the header of the checkpoint is damaged: mended')
  if (harmed.length > 0) {
    const lost = harmed.filter(slot => slot.sequence === 0).length
    remarks.push(`${harmed.length} slots of the checkpoint have a damaged copy: the other is used`)
    if (lost > 0) remarks.push(`${lost} of them have none that is whole: these partitions are looked through`)
  }
  return { state: header, slots, remarks }
}

/** With a damaged copy and none that is whole, as when power fails while one is written first: free again. */
function lostSlots(bytes: Uint8Array | null | undefined, slots: readonly CheckpointSlot[]): number[] {
  if (!bytes) return []
  const lost = slots.filter(({ number, sequence }) => sequence === 0 && damagedCopies(bytes, number) > 0)
  return lost.map(({ number }) => number)
}

function damagedCopies(bytes: Uint8Array, number: number): number {
  const at = headerSize + number * slotSize
  return [at, at + copySize].filter(
    from =>
      bytes.length >= from + copySize &&
      decodeCopy(bytes, from, number) === undefined &&
      bytes.subarray(from, from + copySize).some(each => each !== 0),
  ).length
}

async function keepAside(disk: Disk, folder: string): Promise<string> {
  const names = await disk.list(folder)
  let number = 1
  while (names.includes(`${checkpointName}.damaged-${number}`)) number++
  const aside = `${checkpointName}.damaged-${number}`
  await disk.rename(`${folder}/${checkpointName}`, `${folder}/${aside}`)
  return aside
}

function encodeCopy(slot: CheckpointSlot): Uint8Array {
  const bytes = new Uint8Array(copySize)
  const view = new DataView(bytes.buffer)
  view.setUint32(4, slot.sequence)
  view.setInt8(8, slot.key === undefined ? kinds.free : slot.key === clockKey ? kinds.clock : kinds.partition)
  if (slot.key !== undefined && slot.key !== clockKey) {
    const [topicId, index] = slot.key.split('/')
    view.setUint32(12, Number(index))
    bytes.set(Buffer.from(topicId!.replaceAll('-', ''), 'hex'), 16)
  }
  view.setBigInt64(32, BigInt(slot.durableOffset))
  view.setBigInt64(40, BigInt(slot.logStartOffset))
  view.setUint32(0, crc32c(bytes, 4))
  return bytes
}

/** The newer of the two copies that are whole. */
function decodeSlot(bytes: Uint8Array, number: number): CheckpointSlot {
  const at = headerSize + number * slotSize
  const copies = [decodeCopy(bytes, at, number), decodeCopy(bytes, at + copySize, number)].filter(
    copy => copy !== undefined,
  )
  const newest = copies.reduce<CheckpointSlot | undefined>(
    (best, copy) => (best !== undefined && (best.sequence - copy.sequence) >> 0 > 0 ? best : copy),
    undefined,
  )
  const other = copies.find(copy => copy !== newest)
  return newest === undefined
    ? { key: undefined, number, sequence: 0, durableOffset: 0, logStartOffset: 0, otherLogStart: -1 }
    : { ...newest, otherLogStart: other?.key === newest.key ? (other?.logStartOffset ?? -1) : -1 }
}

/** Undefined when the copy is not what was written. */
export function decodeCopy(bytes: Uint8Array, at: number, number: number): CheckpointSlot | undefined {
  if (bytes.length < at + copySize) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, copySize)
  const kind = view.getInt8(8)
  if (view.getUint32(0) !== crc32c(bytes, at + 4, at + copySize)) return undefined
  const hex = Buffer.from(bytes.subarray(at + 16, at + 32)).toString('hex')
  const topicId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const key =
    kind === kinds.free ? undefined : kind === kinds.clock ? clockKey : partitionKey(topicId, view.getUint32(12))
  return {
    key,
    number,
    sequence: view.getUint32(4),
    durableOffset: Number(view.getBigInt64(32)),
    logStartOffset: Number(view.getBigInt64(40)),
    otherLogStart: -1,
  }
}
