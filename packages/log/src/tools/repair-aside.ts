/** Where files go before they are changed, under the names they had: a link or a copy of the whole, or the bytes that are cut off. */
import type { Disk } from '@odradek/world'
import { parentFolder, writeFile } from '../folder/whole-file.ts'
import { copyFile } from './file-copy.ts'

export class Aside {
  readonly #disk: Disk
  readonly #root: string
  readonly #aside: string

  constructor(disk: Disk, root: string, aside: string) {
    this.#disk = disk
    this.#root = root
    this.#aside = aside
  }

  /** A file that is about to be replaced. */
  async keep(file: string): Promise<void> {
    const source = `${this.#root}/${file}`
    if (!(await this.#disk.exists(source))) return
    const target = await this.#place(file)
    const open = await this.#disk.open(source, 'read')
    const { size } = open
    await open.close()
    await copyFile(this.#disk, source, target, { size })
    await this.#disk.syncFolder(parentFolder(target))
  }

  /** Bytes that are about to be cut off a file. */
  async keepBytes(file: string, byte: number, bytes: Uint8Array): Promise<void> {
    const target = await this.#place(`${file}.from-byte-${byte}`)
    await writeFile(this.#disk, target, bytes, { sync: true })
    await this.#disk.syncFolder(parentFolder(target))
  }

  async #place(file: string): Promise<string> {
    const target = `${this.#aside}/${file}`
    await this.#disk.makeFolder(parentFolder(target))
    return target
  }
}
