/**
 * The second copy of the metadata: `metadata.log`, lines of text, each with its own checksum. FORMAT.md has the form.
 *
 *     first line   format, revision and number of entries      │ written together, under another
 *     snapshot     a line for each entry                       │ name, then renamed
 *     changes      a line for each change since, synced before it counts
 *
 * A copy of the file that was taken while it grew is a true beginning of it. A bit that flips costs the line it is in.
 */
import { crc32c } from '@odradek/protocol'
import type { Disk, DiskFile } from '@odradek/world'
import { type MetadataEntry, MetadataImage, metadataTables } from './metadata-image.ts'

export const logFormat = 2

export interface FirstLine {
  format: number
  revision: number
  digest: number
  entries: number
}

export interface ChangeLine {
  revision: number
  digest: number
  entries: readonly MetadataEntry[]
}

export interface FoundLog {
  /** What can be read of it. */
  image: MetadataImage
  /** `torn`: only its end is missing, as after a write that was cut short. `damaged`: something before its end is. */
  state: 'missing' | 'whole' | 'torn' | 'damaged' | 'newer'
  badLines: number
  bytes: number
}

/** What the lines say, one after the other; lines that are not true are left out. */
export function readMetadataLog(bytes: Uint8Array): FoundLog {
  const found: FoundLog = { image: new MetadataImage(), state: 'whole', badLines: 0, bytes: bytes.length }
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\n')
  const cutShort = lines.pop() !== ''
  const parsed = lines.map(parseLine)
  if (cutShort) parsed.push(undefined)
  const first = parsed[0] as FirstLine | undefined
  if (first !== undefined && first.format > logFormat) return { ...found, state: 'newer' }
  const goodUntil = parsed.findLastIndex(line => line !== undefined)
  found.badLines = parsed.filter(line => line === undefined).length
  let isWhole = first?.format === logFormat && parsed.length > first.entries && goodUntil >= first.entries
  parsed.forEach((line, i) => {
    if (line === undefined) {
      if (i < goodUntil) isWhole = false
    } else if (isChange(line) && !follow(found.image, line, first, i)) isWhole = false
  })
  if (!isWhole) found.state = 'damaged'
  else if (goodUntil < parsed.length - 1) found.state = 'torn'
  return found
}

/** Line by line, for people to read: undefined where one is not what was written. */
export function* metadataLines(bytes: Uint8Array): Iterable<FirstLine | ChangeLine | undefined> {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\n')
  if (lines.at(-1) === '') lines.pop()
  for (const line of lines) yield parseLine(line) as FirstLine | ChangeLine | undefined
}

const isChange = (line: unknown): line is ChangeLine => Array.isArray((line as ChangeLine).entries)

/** Whether the line continues what was read before it. Its entries are taken in any case. */
function follow(image: MetadataImage, line: ChangeLine, first: FirstLine | undefined, number: number): boolean {
  const isSnapshot = first !== undefined && number <= first.entries
  const before = image.revision
  for (const entry of line.entries) if ((metadataTables as readonly string[]).includes(entry[0])) image.put(entry)
  image.revision = line.revision
  if (!isSnapshot) return line.revision === before + 1 && line.digest === image.digest
  return line.revision === first.revision && (number < first.entries || image.digest === first.digest)
}

/** `checksum json`; undefined when the one is not that of the other. */
function parseLine(line: string): unknown {
  const text = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(Buffer.from(text, 'latin1'))) return undefined
  try {
    return JSON.parse(Buffer.from(text, 'latin1').toString())
  } catch {
    return undefined
  }
}

function encodeLine(content: FirstLine | ChangeLine): Buffer {
  const text = Buffer.from(JSON.stringify(content))
  return Buffer.concat([Buffer.from(`${checksum(text)} `), text, Buffer.from('\n')])
}

const checksum = (bytes: Uint8Array): string => crc32c(bytes).toString(16).padStart(8, '0')

export function encodeSnapshot(image: MetadataImage): Buffer {
  const { revision, digest, size } = image
  const lines = [encodeLine({ format: logFormat, revision, digest, entries: size })]
  for (const entry of image.entries()) lines.push(encodeLine({ revision, digest, entries: [entry] }))
  return Buffer.concat(lines)
}

/** The open file. One call at a time. */
export class MetadataLog {
  readonly #disk: Disk
  readonly #path: string
  #file: DiskFile | undefined
  #size = 0
  #snapshotSize = 0
  #beforeLast = 0

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
  }

  async read(): Promise<FoundLog> {
    try {
      return readMetadataLog(await this.#disk.readFile(this.#path))
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!missing && !isUnreadable(error)) throw error
      return { image: new MetadataImage(), state: missing ? 'missing' : 'damaged', badLines: 0, bytes: 0 }
    }
  }

  /** Goes on with the file as it was found to be. */
  async resume(found: FoundLog): Promise<void> {
    this.#file = await this.#disk.open(this.#path, 'existing')
    this.#size = found.bytes
    this.#snapshotSize = encodeSnapshot(found.image).length
  }

  /** Writes all of it anew, beside the old one, which it then replaces. */
  async rewrite(image: MetadataImage): Promise<void> {
    await this.close()
    const bytes = encodeSnapshot(image)
    const fresh = await this.#disk.open(`${this.#path}.fresh`, 'fresh')
    try {
      fresh.write(0, [bytes])
      await fresh.sync()
    } finally {
      await fresh.close()
    }
    await this.#disk.rename(`${this.#path}.fresh`, this.#path)
    await this.#disk.syncFolder(this.#path.slice(0, Math.max(1, this.#path.lastIndexOf('/'))))
    this.#file = await this.#disk.open(this.#path, 'existing')
    this.#size = this.#snapshotSize = bytes.length
  }

  /** To be called before changes are made to the image: the file is written anew when it cannot be appended to, or has grown much. */
  async prepare(image: MetadataImage): Promise<void> {
    if (this.#file === undefined || this.#size > 4 * this.#snapshotSize + 1024 * 1024) await this.rewrite(image)
  }

  /**
   * The changes are durable when this resolves. When it rejects, they are not there, as far as that can be had: whatever the disk then
   * holds, the file is replaced before the next append.
   */
  async append(changes: readonly ChangeLine[]): Promise<void> {
    const lines = Buffer.concat(changes.map(encodeLine))
    this.#beforeLast = this.#size
    try {
      this.#file!.write(this.#size, [lines])
      this.#size += lines.length
      await this.#file!.sync()
    } catch (error) {
      await this.takeBack()
      throw error
    }
  }

  /** The last append did not come about. */
  async takeBack(): Promise<void> {
    const file = this.#file!
    try {
      file.truncate(this.#beforeLast)
      await file.sync()
      this.#size = this.#beforeLast
    } catch {
      await this.close()
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => undefined)
  }
}

const isUnreadable = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EIO'
