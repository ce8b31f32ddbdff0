/**
 * The files of one folder within a backup: what an earlier backup stored, and what this one adds. Nothing that the earlier manifest names
 * is changed before the new one counts, but for bytes appended behind those that it counts.
 */
import type { Disk } from '@odradek/world'
import { readFileIfThere, writeFile } from '../folder/whole-file.ts'
import { type BackupFile, sha256Of } from './backup-manifest.ts'
import { copyFile, SourceChanged, sumFile } from './file-copy.ts'

export class StoredFiles {
  readonly files: BackupFile[] = []
  readonly #disk: Disk
  readonly #folder: string
  readonly #before: readonly BackupFile[]
  readonly #number: number
  /** Link, rather than copy, what does not change any more. */
  canLink: boolean

  constructor(disk: Disk, folder: string, before: readonly BackupFile[], number: number, canLink: boolean) {
    this.#disk = disk
    this.#folder = folder
    this.#before = before
    this.#number = number
    this.canLink = canLink
  }

  pathOf({ stored }: Pick<BackupFile, 'stored'>): string {
    return `${this.#folder}/${stored}`
  }

  before(name: string): BackupFile | undefined {
    return this.#before.find(file => file.name === name)
  }

  note(file: BackupFile): void {
    this.forget(file.name)
    this.files.push(file)
  }

  /** A small file, as it was read. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const sha256 = sha256Of(bytes)
    const known = this.before(name)
    if (known?.sha256 === sha256 && (await this.#isThere(known))) return this.note(known)
    const file = { name, stored: this.#freeName(name), size: bytes.length, sha256, linked: false }
    await this.#disk.remove(this.pathOf(file))
    await writeFile(this.#disk, this.pathOf(file), bytes, { sync: true })
    this.note(file)
  }

  /** Gives the link's stored name; undefined where links are not to be had. */
  async link(name: string, source: string): Promise<string | undefined> {
    if (!this.canLink) return undefined
    const stored = this.#freeName(name)
    const path = this.pathOf({ stored })
    if (await this.#disk.isSameFile(source, path)) return stored
    await this.#disk.remove(path)
    try {
      await this.#disk.link(source, path)
      return stored
    } catch (error) {
      if (!cannotLink.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      this.canLink = false
      return undefined
    }
  }

  /** The first bytes of a file whose sum is known. Throws SourceChanged when it is another file by now. */
  async copy(
    name: string,
    source: string,
    size: number,
    sha256: string,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const known = this.before(name)
    if (known?.sha256 === sha256 && known.size === size && (await this.#isThere(known))) return this.note(known)
    const file = { name, stored: this.#freeName(name), size, sha256, linked: false }
    await this.#disk.remove(this.pathOf(file))
    const copied = await copyFile(this.#disk, source, this.pathOf(file), { size, onBytes })
    if (copied !== sha256) throw new SourceChanged(source)
    this.note(file)
  }

  /** A file of which an earlier backup holds the beginning. Throws SourceChanged as `copy` does. */
  async extend(
    known: BackupFile,
    source: string,
    size: number,
    sha256: string,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    await copyFile(this.#disk, source, this.pathOf(known), { size, from: known.size, onBytes })
    const file = await this.#disk.open(this.pathOf(known), 'read')
    try {
      if ((await sumFile(file, { size })) !== sha256) throw new SourceChanged(source)
    } finally {
      await file.close()
    }
    this.note({ ...known, size, sha256 })
  }

  /** What an earlier backup holds, and behind it the rest of the source, if there is more. */
  async compose(known: BackupFile, source: string, end: number): Promise<BackupFile> {
    if (known.size >= end) {
      this.note(known)
      return known
    }
    const file = { ...known, stored: this.#freeName(known.name), size: end }
    await this.#disk.remove(this.pathOf(file))
    await copyFile(this.#disk, this.pathOf(known), this.pathOf(file), { size: known.size })
    await copyFile(this.#disk, source, this.pathOf(file), { size: end, from: known.size })
    const composed = await this.#disk.open(this.pathOf(file), 'read')
    try {
      const whole = { ...file, sha256: await sumFile(composed, { size: end }) }
      this.note(whole)
      return whole
    } finally {
      await composed.close()
    }
  }

  /** All that an earlier backup stored, and nothing else. */
  keepFormer(): void {
    this.files.length = 0
    this.files.push(...this.#before)
  }

  /** The bytes that an earlier backup stored for it; undefined when there are none, or they are not what was stored. */
  async bytesBefore(name: string): Promise<Uint8Array | undefined> {
    const known = this.before(name)
    const bytes = known && (await readFileIfThere(this.#disk, this.pathOf(known)))?.subarray(0, known.size)
    return bytes && sha256Of(bytes) === known?.sha256 ? bytes : undefined
  }

  /** What neither backup needs. */
  async removeOthers(): Promise<void> {
    const kept = new Set(this.files.map(({ stored }) => stored))
    for (const name of await this.#disk.list(this.#folder))
      if (!kept.has(name)) await this.#disk.remove(`${this.#folder}/${name}`)
  }

  forget(name: string): void {
    const at = this.files.findIndex(file => file.name === name)
    if (at >= 0) this.files.splice(at, 1)
  }

  async #isThere({ stored }: BackupFile): Promise<boolean> {
    return this.#disk.exists(`${this.#folder}/${stored}`)
  }

  /**
   * A name that the earlier manifest does not use. A backup that was interrupted may have, even for a link: what stands there is removed,
   * never written to.
   */
  #freeName(name: string): string {
    const used = (stored: string) => this.#before.some(file => file.stored === stored)
    return used(name) ? `${name}~${this.#number}` : name
  }
}

/** Another file system, or one that knows no links, or too many of them. */
const cannotLink = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS', 'EACCES'])
