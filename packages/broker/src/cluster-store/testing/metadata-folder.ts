/** Folders for tests of the metadata, and stores on them. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk, realDisk } from '@odradek/world'
import type { Logger } from '../../logger.ts'
import { EmbeddedClusterStore } from '../embedded-cluster-store.ts'

/** What is said above `info` goes to `lines`. */
export function open(folder: string, disk: Disk = realDisk, lines: string[] = []): Promise<EmbeddedClusterStore> {
  const note = (_: object, message: string) => void lines.push(message)
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
  const freshClusterId = () => `cluster-${Math.random().toString(36).slice(2)}`.padEnd(22, '0').slice(0, 22)
  return EmbeddedClusterStore.openFolder({ folder, disk, logger, freshClusterId })
}

/** In memory where there is such a place: what is tested is what is in the files, not how they get to a disk. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export function withFolder(run: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(scratch, 'odradek-metadata-'))
    try {
      await run(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
