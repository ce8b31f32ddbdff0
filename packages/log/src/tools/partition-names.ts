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
