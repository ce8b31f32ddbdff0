/** Copies the first bytes of files, summing them on the way. */
import { createHash } from 'node:crypto'
import { CorruptionError } from '@odradek/protocol'
import type { Disk, DiskFile } from '@odradek/world'

const pieceSize = 1024 * 1024

/** What was copied is not what was read before: compaction has put another file in its place, or the disk answers differently. */
export class SourceChanged extends CorruptionError {
  constructor(source: string) {
    super(`${source} changed while it was copied`, { file: source })
  }
}

export interface CopyOptions {
  readonly size: number
  /** What the target holds already. */
  readonly from?: number
  readonly onBytes?: (bytes: number) => void
}

/** Gives the SHA-256 of the first `size` bytes. Throws a CorruptionError when there are fewer. */
export async function sumFile(file: DiskFile, { size, onBytes }: CopyOptions): Promise<string> {
  const hash = createHash('sha256')
  for (let at = 0; at < size; ) {
    const bytes = await pieceOf(file, at, size)
    hash.update(bytes)
    at += bytes.length
    onBytes?.(bytes.length)
  }
  return hash.digest('hex')
}

/** Durable when it resolves, but for the name. The sum is of what was copied. */
export async function copyFile(disk: Disk, source: string, target: string, options: CopyOptions): Promise<string> {
  const { size, from = 0, onBytes } = options
  const hash = createHash('sha256')
  const file = await disk.open(source, 'read')
  try {
    const copy = await disk.open(target, from === 0 ? 'fresh' : 'existing')
    try {
      for (let at = from; at < size; ) {
        const bytes = await pieceOf(file, at, size)
        copy.write(at, [bytes])
        hash.update(bytes)
        at += bytes.length
        onBytes?.(bytes.length)
      }
      await copy.sync()
    } finally {
      await copy.close()
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

async function pieceOf(file: DiskFile, at: number, size: number): Promise<Uint8Array> {
  const bytes = await file.read(at, Math.min(pieceSize, size - at))
  if (bytes.length > 0) return bytes
  throw new CorruptionError(`${file.path} ends at byte ${at}; ${size} were expected`, { file: file.path, position: at })
}
