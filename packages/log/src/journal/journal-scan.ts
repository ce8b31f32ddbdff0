/**
 * What the pieces of a journal hold, read at start.
 *
 *     piece   [ group 0 │ group 1 │ … │ last group ┊ torn, or of the piece that stood here before ]
 *
 * A group is written when the one before it is durable. So a group that is missing or damaged while a later one of its piece is whole
 * was durable and is damage; one with nothing after it may be a torn write, never acknowledged.
 */
import { blockSize, decodeGroup, type JournalEntry, type JournalGroup } from './journal-group.ts'

export interface ScannedPiece {
  /** -1: it holds no whole group. */
  readonly sequence: number
  readonly groups: readonly JournalGroup[]
  /** Groups that are known to have been durable and are not whole. */
  readonly damaged: number
}

export function scanPiece(bytes: Buffer): ScannedPiece {
  const found: JournalGroup[] = []
  for (let at = 0; at < bytes.length; ) {
    const group = decodeGroup(bytes, at)
    if (group !== undefined) found.push(group)
    at += group?.size ?? blockSize
  }
  const sequence = found.reduce((newest, group) => Math.max(newest, group.sequence), -1)
  const groups = found.filter(group => group.sequence === sequence)
  return { sequence, groups, damaged: groups.length === 0 ? 0 : groups.at(-1)!.number + 1 - groups.length }
}

/** All entries in the order they were written. */
export function* entriesOf(pieces: readonly ScannedPiece[]): Generator<JournalEntry> {
  for (const { groups } of pieces.toSorted((a, b) => a.sequence - b.sequence))
    for (const { entries } of groups) yield* entries
}

/**
 * Damage below what was acknowledged. The first group of a piece that is written over may be torn: its old groups then look as if the
 * first were missing, but they are older than another piece, and their partitions durable without them.
 */
export function damagedGroups(pieces: readonly ScannedPiece[]): number {
  const newest = pieces.reduce((sequence, piece) => Math.max(sequence, piece.sequence), -1)
  return pieces.reduce((sum, { sequence, groups, damaged }) => {
    const mayBeOld = sequence < newest && groups[0]?.number !== 0
    return mayBeOld ? sum : sum + damaged
  }, 0)
}
