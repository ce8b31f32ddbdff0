/**
 * The file system, by file descriptors and positions.
 *
 * What may wait for the disk runs in Node's thread pool. Asking an open file for its size, or closing one that was only read and still
 * has a name, never waits, and costs a tenth of a turn of the pool: a start opens tens of thousands of files.
 *
 * A descriptor is closed only when its reads have ended, since its number may then belong to another file.
 * `sync` is fdatasync: it writes the length along when the length is needed to read the data back, which is all a log asks for.
 */
import fs from 'node:fs'
import fsp from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile } from '../disk.ts'

const { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants
const flagsOf = {
  read: O_RDONLY,
  existing: O_RDWR,
  create: O_RDWR | O_CREAT,
  fresh: O_RDWR | O_CREAT | O_TRUNC,
} as const

/** The most buffers one system call takes (IOV_MAX on Linux and macOS). */
const mostChunks = 1024

const open = promisify(fs.open)
const close = promisify(fs.close)
const datasync = promisify(fs.fdatasync)

export const realDisk: Disk = {
  open: (path, mode) => openFile(path, mode, inPool),
  readFile,
  list: async folder => (await fsp.readdir(folder)).sort(),
  exists: path =>
    fsp.access(path).then(
      () => true,
      () => false,
    ),
  makeFolder,
  remove: path => fsp.rm(path, { recursive: true, force: true }),
  rename: (from, to) => fsp.rename(from, to),
  link: (from, to) => fsp.link(from, to),
  isSameFile,
  syncFolder,
}

/**
 * For a thread that has nothing else to do meanwhile: reads, syncs and closing its files wait where they are called, and take no turn in
 * the pool.
 */
export const blockingDisk: Disk = { ...realDisk, open: (path, mode) => openFile(path, mode, inPlace) }

/** How a file is read, synced and, where that may wait for the disk, closed. */
interface FileCalls {
  /** As much of it as there is. */
  read(fd: number, into: Uint8Array, position: number): Promise<Uint8Array>
  sync(fd: number): Promise<void>
  close(fd: number): Promise<void>
}

const inPool: FileCalls = { read: readFully, sync: datasync, close }
const inPlace: FileCalls = {
  read: readFullyInPlace,
  sync: async fd => fs.fdatasyncSync(fd),
  close: async fd => fs.closeSync(fd),
}

/** Freed in less time than a turn of the pool takes. */
const soonFreed = 64 * 1024

async function openFile(path: string, mode: keyof typeof flagsOf, calls: FileCalls): Promise<DiskFile> {
  const fd = await open(path, flagsOf[mode], 0o644)
  try {
    return new RealFile(path, fd, fs.fstatSync(fd).size, calls)
  } catch (error) {
    await close(fd)
    throw error
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  const fd = await open(path, O_RDONLY)
  try {
    const { size } = fs.fstatSync(fd)
    return await readFully(fd, Buffer.allocUnsafeSlow(size), 0)
  } finally {
    fs.closeSync(fd)
  }
}

async function isSameFile(path: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([path, other].map(each => fsp.stat(each, { bigint: true }).catch(() => undefined)))
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}

/** From the lowest that is there. Node's recursive mkdir asks for ever where a folder is there but takes none, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeOneFolder(path)
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
    await makeFolder(parent)
    await makeOneFolder(path)
  }
}

/** Harmless when it is there, whatever the system says to that. */
async function makeOneFolder(path: string): Promise<void> {
  try {
    await fsp.mkdir(path)
  } catch (error) {
    const found = await fsp.stat(path).catch(() => undefined)
    if (!found?.isDirectory()) throw error
  }
}

/** Platforms that cannot sync a folder say so in one of these ways; they make names durable by themselves. */
const cannotSyncFolders = new Set(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'])

async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await fsp.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (sep === '\\' && (error as NodeJS.ErrnoException).code === 'EACCES') return
    if (!cannotSyncFolders.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

class RealFile implements DiskFile {
  readonly path: string
  #size: number
  readonly #fd: number
  readonly #calls: FileCalls
  #underway = 0
  /** Since the last sync; closing it may then begin to write. */
  #isWritten = false
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(path: string, fd: number, size: number, calls: FileCalls) {
    this.path = path
    this.#fd = fd
    this.#size = size
    this.#calls = calls
  }

  get size(): number {
    return this.#size
  }

  read(position: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.#size - position))
    const bytes = into && wanted <= into.length ? into.subarray(0, wanted) : Buffer.allocUnsafeSlow(wanted)
    return this.#whileOpen('read', () => this.#calls.read(this.#fd, bytes, position))
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    if (this.#closing) throw closedError('write', this.path)
    this.#isWritten = true
    try {
      const end =
        position +
        (chunks.length === 1 ? writeFully(this.#fd, chunks[0]!, position) : writeAllFully(this.#fd, chunks, position))
      this.#size = Math.max(this.#size, end)
    } catch (error) {
      this.#size = fs.fstatSync(this.#fd).size
      throw error
    }
  }

  truncate(size: number): void {
    if (this.#closing) throw closedError('truncate', this.path)
    this.#isWritten = true
    fs.ftruncateSync(this.#fd, size)
    this.#size = size
  }

  sync(): Promise<void> {
    return this.#whileOpen('sync', async () => {
      this.#isWritten = false
      try {
        await this.#calls.sync(this.#fd)
      } catch (error) {
        this.#isWritten = true
        throw error
      }
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#quiet().then(() =>
      this.#isWritten || this.#isNameless() ? this.#calls.close(this.#fd) : fs.closeSync(this.#fd),
    )
    return this.#closing
  }

  /** Its last name was removed: whoever closes it last waits until its blocks are free, many milliseconds for a large one. */
  #isNameless(): boolean {
    return this.#size > soonFreed && fs.fstatSync(this.#fd).nlink === 0
  }

  async #whileOpen<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (this.#closing) throw closedError(what, this.path)
    this.#underway++
    try {
      return await run()
    } finally {
      if (--this.#underway === 0) this.#idle?.()
    }
  }

  #quiet(): Promise<void> {
    if (this.#underway === 0) return Promise.resolve()
    return new Promise(resolve => {
      this.#idle = resolve
    })
  }
}

function readFully(fd: number, bytes: Uint8Array, position: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let done = 0
    const step = (error: Error | null, count: number) => {
      if (error) return reject(error)
      done += count
      if (count === 0 || done === bytes.length) return resolve(done === bytes.length ? bytes : bytes.subarray(0, done))
      fs.read(fd, bytes, done, bytes.length - done, position + done, step)
    }
    if (bytes.length === 0) return resolve(bytes)
    fs.read(fd, bytes, 0, bytes.length, position, step)
  })
}

async function readFullyInPlace(fd: number, bytes: Uint8Array, position: number): Promise<Uint8Array> {
  let done = 0
  while (done < bytes.length) {
    const count = fs.readSync(fd, bytes, done, bytes.length - done, position + done)
    if (count === 0) return bytes.subarray(0, done)
    done += count
  }
  return bytes
}

function writeFully(fd: number, chunk: Uint8Array, position: number): number {
  let done = 0
  while (done < chunk.length) done += fs.writeSync(fd, chunk, done, chunk.length - done, position + done)
  return done
}

function writeAllFully(fd: number, chunks: readonly Uint8Array[], position: number): number {
  if (chunks.length <= mostChunks) return writeGroup(fd, chunks, position)
  let done = 0
  for (let i = 0; i < chunks.length; i += mostChunks)
    done += writeGroup(fd, chunks.slice(i, i + mostChunks), position + done)
  return done
}

/** One system call in the usual case; after a short write the rest goes chunk by chunk. */
function writeGroup(fd: number, chunks: readonly Uint8Array[], position: number): number {
  let total = 0
  for (const chunk of chunks) total += chunk.length
  let done = fs.writevSync(fd, chunks, position)
  if (done === total) return done
  let before = 0
  for (const chunk of chunks) {
    const from = done - before
    if (from < chunk.length) done += writeFully(fd, chunk.subarray(from), position + done)
    before += chunk.length
  }
  return done
}

function closedError(what: string, path: string): Error {
  return Object.assign(new Error(`EBADF: ${what} on '${path}', which is closed`), { code: 'EBADF' })
}
