/**
 * A disk that forgets what was not synced, and fails when told to: the worst that a disk may do within the promises of `Disk`.
 *
 * Contents are the business of `SimulatedFile`, names of `DurableNames`, failures of `Faults`; here they become one disk.
 */
import type { Clock } from '../clock.ts'
import type { Disk, DiskFile } from '../disk.ts'
import { type Folder, FolderTree, systemError } from '../memory/folder-tree.ts'
import { DurableNames } from './durable-names.ts'
import { type DiskOperation, type FaultRule, Faults } from './faults.ts'
import type { SeededRandom } from './random.ts'
import { type Fate, SimulatedFile } from './simulated-file.ts'

export interface DiskTemper {
  /** The least and most a sync takes, in simulated time. Without it a sync takes none, and nobody has to drive the clock. */
  syncMs?: readonly [number, number]
  /** The same for reads. */
  readMs?: readonly [number, number]
}

/** Told of each operation that changes something, when its effect is there (a sync: when it begins, and again when it has ended). */
export type DiskObserver = (operation: DiskOperation, path: string) => void

export class SimulatedDisk implements Disk {
  readonly #clock: Clock
  readonly #random: SeededRandom
  #temper: DiskTemper
  readonly #names = new DurableNames<SimulatedFile>()
  readonly #tree = new FolderTree<SimulatedFile>(this.#names)
  readonly #unsynced = new Set<SimulatedFile>()
  readonly #faults = new Faults()
  #capacity = Number.POSITIVE_INFINITY
  #operations = 0
  #observe: DiskObserver | undefined
  #life = 0

  constructor(clock: Clock, random: SeededRandom, temper: DiskTemper = {}) {
    this.#clock = clock
    this.#random = random
    this.#temper = temper
  }

  /** The machine stops and starts again: files hold what survived, handles opened before are of no use. */
  crash({ unsynced = 'seeded' }: { unsynced?: Fate } = {}): void {
    this.#life++
    if (unsynced === 'kept') return
    this.#names.crash(this.#random, unsynced)
    for (const file of this.#unsynced) file.crash(this.#random, unsynced)
    this.#unsynced.clear()
  }

  /** Makes operations fail; gives what takes the rule back. */
  fail(rule: FaultRule): () => void {
    return this.#faults.add(rule)
  }

  /** From now on nothing fails. */
  healAll(): void {
    this.#faults.clear()
  }

  /** From now on files hold at most this many bytes together; what would exceed it fails with ENOSPC, perhaps half done. */
  setCapacity(bytes: number): void {
    this.#capacity = bytes
  }

  /** From now on syncs and reads take so long. */
  setTemper(temper: DiskTemper): void {
    this.#temper = temper
  }

  /** How many operations that change something there have been. */
  get operations(): number {
    return this.#operations
  }

  /** One at a time. The observer may crash the disk: then the operation has happened, as far as a crash lets it, and its caller is told nothing. */
  observe(observer: DiskObserver | undefined): void {
    this.#observe = observer
  }

  /** A bit of what is durable in a file turns over; nobody is told. */
  rot(path: string, position: number, bit: number): void {
    this.#tree.file(path).rot(position, bit)
  }

  /** The bytes all files hold together; a file with two names counts once. */
  get usedBytes(): number {
    let sum = 0
    for (const file of new Set(filesIn(this.#tree.root))) sum += file.current.size
    return sum
  }

  async open(path: string, mode: 'existing' | 'create' | 'fresh' | 'read'): Promise<DiskFile> {
    this.#meet('open', path)
    if ((mode === 'create' || mode === 'fresh') && this.#tree.find(path) === undefined)
      this.#tree.addFile(path, new SimulatedFile())
    const file = this.#tree.file(path)
    if (mode === 'fresh' && file.current.size > 0) {
      file.truncate(0)
      this.#unsynced.add(file)
    }
    if (mode === 'create' || mode === 'fresh') this.#happened('open', path)
    return new Handle(path, file, this.#port(), mode === 'read')
  }

  async readFile(path: string): Promise<Uint8Array> {
    const file = this.#tree.file(path)
    this.#meet('read', path)
    return file.current.read(0, file.current.size)
  }

  async list(folder: string): Promise<string[]> {
    return [...this.#tree.folder(folder).entries.keys()].sort()
  }

  async exists(path: string): Promise<boolean> {
    return this.#tree.find(path) !== undefined
  }

  async makeFolder(path: string): Promise<void> {
    this.#meet('makeFolder', path)
    this.#tree.makeFolder(path)
    this.#happened('makeFolder', path)
  }

  async remove(path: string): Promise<void> {
    this.#meet('remove', path)
    this.#tree.remove(path)
    this.#happened('remove', path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#meet('rename', from)
    this.#tree.rename(from, to)
    this.#happened('rename', from)
  }

  async link(from: string, to: string): Promise<void> {
    this.#meet('link', from)
    this.#tree.link(from, to)
    this.#happened('link', from)
  }

  async isSameFile(path: string, other: string): Promise<boolean> {
    return this.#tree.isSameFile(path, other)
  }

  async syncFolder(folder: string): Promise<void> {
    const durable = this.#names.beginSync(this.#tree.folder(folder))
    const life = this.#life
    this.#happened('syncFolder', folder)
    await this.#wait(this.#temper.syncMs)
    if (life !== this.#life) throw crashed(folder)
    this.#meet('syncFolder', folder)
    durable()
    this.#happened('syncFolder', folder)
  }

  #happened(operation: DiskOperation, path: string): void {
    const life = this.#life
    this.#operations++
    this.#observe?.(operation, path)
    if (life !== this.#life) throw crashed(path)
  }

  #meet(operation: DiskOperation, path: string): void {
    const error = this.#faults.meet(operation, path)
    if (error) throw error
  }

  async #wait(range: readonly [number, number] | undefined): Promise<void> {
    if (range === undefined) return
    const ms = this.#random.between(range)
    await new Promise<void>(resolve => {
      this.#clock.timer(ms, resolve)
    })
  }

  /** What a handle of this life may do with the disk. */
  #port(): DiskPort {
    const life = this.#life
    return {
      isOfThisLife: () => life === this.#life,
      meet: (operation, path) => this.#faults.meet(operation, path),
      happened: (operation, path) => this.#happened(operation, path),
      freeBytes: () => (this.#capacity === Number.POSITIVE_INFINITY ? this.#capacity : this.#capacity - this.usedBytes),
      changed: file => this.#unsynced.add(file),
      settled: file => {
        if (!file.hasUnsynced) this.#unsynced.delete(file)
      },
      waitForRead: () => this.#wait(this.#temper.readMs),
      waitForSync: () => this.#wait(this.#temper.syncMs),
      howMuchOf: length => this.#random.int(length + 1),
    }
  }
}

function* filesIn(folder: Folder<SimulatedFile>): Generator<SimulatedFile> {
  for (const entry of folder.entries.values()) {
    if ('file' in entry) yield entry.file
    else yield* filesIn(entry.folder)
  }
}

interface DiskPort {
  isOfThisLife(): boolean
  meet(operation: DiskOperation, path: string): Error | undefined
  happened(operation: DiskOperation, path: string): void
  freeBytes(): number
  changed(file: SimulatedFile): void
  settled(file: SimulatedFile): void
  waitForRead(): Promise<void>
  waitForSync(): Promise<void>
  /** How many bytes of a write that fails got through. */
  howMuchOf(length: number): number
}

class Handle implements DiskFile {
  readonly path: string
  readonly #file: SimulatedFile
  readonly #disk: DiskPort
  readonly #isReadOnly: boolean
  #isOpen = true

  constructor(path: string, file: SimulatedFile, disk: DiskPort, isReadOnly: boolean) {
    this.path = path
    this.#file = file
    this.#disk = disk
    this.#isReadOnly = isReadOnly
  }

  get size(): number {
    return this.#file.current.size
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    this.#check()
    const error = this.#disk.meet('read', this.path)
    const bytes = this.#file.current.read(position, length)
    await this.#disk.waitForRead()
    if (!this.#disk.isOfThisLife()) throw crashed(this.path)
    if (error) throw error
    return bytes
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    this.#checkWritable()
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    const growth = Math.max(0, position + length - this.size)
    const free = this.#disk.freeBytes()
    const full = growth > free ? systemError('ENOSPC', 'no space left on the simulated disk', this.path) : undefined
    const error = this.#disk.meet('write', this.path) ?? full
    let left = error ? this.#disk.howMuchOf(Math.max(0, Math.min(length, length - growth + free))) : length
    let at = position
    for (const chunk of chunks) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk
      if (part.length > 0) this.#file.write(at, part)
      at += part.length
      left -= part.length
    }
    this.#disk.changed(this.#file)
    this.#disk.happened('write', this.path)
    if (error) throw error
  }

  truncate(size: number): void {
    this.#checkWritable()
    const error = this.#disk.meet('truncate', this.path)
    if (error) throw error
    this.#file.truncate(size)
    this.#disk.changed(this.#file)
    this.#disk.happened('truncate', this.path)
  }

  async sync(): Promise<void> {
    this.#check()
    const sync = this.#file.beginSync()
    const error = this.#disk.meet('sync', this.path)
    this.#disk.happened('sync', this.path)
    await this.#disk.waitForSync()
    if (!this.#disk.isOfThisLife()) throw crashed(this.path)
    if (error) {
      sync.fail()
      throw error
    }
    sync.succeed()
    this.#disk.settled(this.#file)
    this.#disk.happened('sync', this.path)
  }

  async close(): Promise<void> {
    this.#isOpen = false
  }

  #checkWritable(): void {
    this.#check()
    if (this.#isReadOnly) throw systemError('EBADF', 'the file was opened for reading', this.path)
  }

  #check(): void {
    if (!this.#disk.isOfThisLife()) throw crashed(this.path)
    if (!this.#isOpen) throw systemError('EBADF', 'the file is closed', this.path)
  }
}

function crashed(path: string): Error {
  return systemError('EIO', 'the machine has crashed since this file was opened', path)
}
