import type { Disk } from '@odradek/world'
import { journalName } from '../folder/file-names.ts'

/** What the name of a folder in a data folder says. */
export type FolderKind =
  | { kind: 'partition'; topic: string; index: number }
  | { kind: 'aside' }
  | { kind: 'journal' }
  | { kind: 'other' }

/** `orders-0` is a partition's; `…-0-delete` and `orders-0.3-stray` were put aside. */
export function folderKind(name: string): FolderKind {
  if (/-delete$|-stray$/.test(name)) return { kind: 'aside' }
  if (name === journalName) return { kind: 'journal' }
  const [, topic, index] = /^(.+)-(\d+)$/.exec(name) ?? []
  return topic === undefined ? { kind: 'other' } : { kind: 'partition', topic, index: Number(index) }
}

export interface FoundName {
  readonly name: string
  readonly place: FolderKind
}

/** What is in a data folder. A file is no partition, whatever its name: a start keeps what is damaged as `checkpoint.damaged-1`. */
export async function foundNames(disk: Disk, root: string): Promise<FoundName[]> {
  const found: FoundName[] = []
  for (const name of await disk.list(root)) {
    const place = folderKind(name)
    const isFile = place.kind === 'partition' && (await isPlainFile(disk, `${root}/${name}`))
    found.push({ name, place: isFile ? { kind: 'other' } : place })
  }
  return found
}

function isPlainFile(disk: Disk, path: string): Promise<boolean> {
  return disk.list(path).then(
    () => false,
    error => (error as NodeJS.ErrnoException).code === 'ENOTDIR',
  )
}
