/**
 * Everything a program did to its disk, in order, and in between what it promised to others:
 *
 *     write  write  names  sync asked …  write  synced(covers)  note("acknowledged")  …
 *
 * A sync covers what was journaled when it was asked for; what came while it ran is not durable by it. Files and folders go by number,
 * for names change.
 */
export type JournalEntry<Note> =
  | { readonly kind: 'write'; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: number; readonly size: number }
  | { readonly kind: 'synced'; readonly file: number; readonly covers: number }
  /** One change of a folder that happens whole or not at all; null takes a name away. */
  | { readonly kind: 'names'; readonly folder: number; readonly set: readonly (readonly [string, Child | null])[] }
  | { readonly kind: 'names-synced'; readonly folder: number; readonly covers: number }
  | { readonly kind: 'note'; readonly note: Note }

export interface Child {
  readonly id: number
  readonly isFolder: boolean
}

export const rootFolder = 0
