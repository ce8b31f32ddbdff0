import type { Serde } from '@odradek/client'

/** State of a task. Bytes inside: what is stored is what the changelog holds, and iteration is in byte order (streams facts 2.52). */
export interface StateStore {
  readonly name: string
  /** Takes a record of the changelog while the task is restored. Null removes. */
  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void
  close(): void
}

/** How a task makes a store, and what its changelog is called: `<application.id>-<name>-changelog`. */
export interface StoreSpec {
  readonly name: string
  readonly key: Serde<any>
  readonly value: Serde<any>
  make(log: ChangeLog | null): StateStore
}

/** Where a store's changes go. Null value: removed. */
export type ChangeLog = (key: Uint8Array, value: Uint8Array | null, timestamp: number) => void

export const changelogOf = (store: { name: string }): string => `${store.name}-changelog`
