/** What failures of the metadata's files mean: for whoever starts a broker, and for clients of a running one. */
import { ErrorCodes, UsageError } from '@odradek/protocol'
import { Refusal } from '../refusal.ts'

/** SQLite's primary result codes. */
const sqlite = { PERM: 3, BUSY: 5, LOCKED: 6, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 }

const codeOf = (error: unknown): number => (((error as { errcode?: number }).errcode ?? -1) & 0xff) as number
const isOneOf = (error: unknown, ...codes: number[]): boolean =>
  (error as { errcode?: number }).errcode !== undefined && codes.includes(codeOf(error))

/** The file can be reached, and is not a database that can be changed. */
export const isDamage = (error: unknown): boolean => isOneOf(error, sqlite.CORRUPT, sqlite.NOTADB, sqlite.READONLY)

/** The file cannot be read: a bad sector. */
export const isReadFailure = (error: unknown): boolean => isOneOf(error, sqlite.IOERR)

/** Somebody else holds the database. */
export const isBusy = (error: unknown): boolean => isOneOf(error, sqlite.BUSY, sqlite.LOCKED)

/** Of bytes, or of files: SQLite cannot make its journal then. */
export const isOutOfRoom = (error: unknown): boolean =>
  isOneOf(error, sqlite.FULL, sqlite.CANTOPEN) ||
  /^(ENOSPC|EDQUOT)$/.test(String((error as NodeJS.ErrnoException).code))

/** A full or failing disk is told to clients as such, and they may try again. */
export function storageRefusal(error: unknown): unknown {
  const { message, code } = error as NodeJS.ErrnoException
  const { PERM, READONLY, IOERR, FULL, CANTOPEN } = sqlite
  if (!isOneOf(error, PERM, READONLY, IOERR, FULL, CANTOPEN) && !(code !== undefined && systemFailures.has(code)))
    return error
  return new Refusal(ErrorCodes.KAFKA_STORAGE_ERROR, `The metadata in the data folder cannot be written: ${message}.`)
}

const systemFailures = new Set(['ENOSPC', 'EIO', 'EROFS', 'EDQUOT', 'EMFILE', 'ENFILE', 'EACCES', 'EPERM', 'EFBIG'])

/** What keeps a folder from being used, as a UsageError of one sentence; other errors as they are. */
export function folderRefusal(error: unknown, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (isOneOf(error, sqlite.BUSY, sqlite.LOCKED)) {
    return new UsageError(
      `The data folder ${folder} is in use by another broker: stop that one, or choose another folder.`,
    )
  }
  if (isOneOf(error, sqlite.FULL) || code === 'ENOSPC' || code === 'EDQUOT') {
    return new UsageError(`The disk of the data folder ${folder} is full: make some space, or choose another folder.`)
  }
  const { PERM, READONLY, IOERR, CANTOPEN } = sqlite
  if (isOneOf(error, PERM, READONLY, IOERR, CANTOPEN) || code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new UsageError(
      `The data folder ${folder} is not writable (${message}): choose another folder, or give access to it.`,
    )
  }
  return error
}

export function newerFormat(folder: string, found: number, known: number): UsageError {
  return new UsageError(
    `The data folder ${folder} has format ${found}, and this version knows up to ${known}: use the version of Odradek that wrote it, or a newer one.`,
  )
}

export function notMetadata(folder: string): UsageError {
  return new UsageError(
    `The file metadata.db in ${folder} is not a readable database: restore it, or choose another folder.`,
  )
}
