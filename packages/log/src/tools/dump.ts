/** What files of a data folder say, as rows; of segments as many batches as are asked for. */
import type { BatchHeader } from '@odradek/protocol'
import { UsageError } from '@odradek/protocol'
import type { Disk, DiskFile } from '@odradek/world'
import { offsetInName } from '../folder/file-names.ts'
import type { DumpRow } from './dump-row.ts'
import { fileKinds, kindOfFile } from './file-kinds.ts'
import { type BadRange, walkSegment } from './segment-walk.ts'

export interface DumpedBatch {
  readonly file: string
  readonly position: number
  readonly header: BatchHeader
  /** What the batch stands in, at `header.at`. */
  readonly bytes: Uint8Array
}

export interface DumpedPiece {
  readonly batches: readonly DumpedBatch[]
  /** Damaged bytes between them, or behind them. */
  readonly damaged: readonly (BadRange & { file: string })[]
}

export interface DumpOptions {
  /** Batches before the one with this offset are left out. */
  readonly from?: number
  /** So many batches. */
  readonly count?: number
}

const batchesAtATime = 500

/** Segments in the order of their offsets, a few hundred batches at a time. */
export async function* dumpSegments(
  disk: Disk,
  paths: readonly string[],
  { from = 0, count = Number.POSITIVE_INFINITY }: DumpOptions = {},
): AsyncGenerator<DumpedPiece> {
  let left = count
  const bases = paths.map(path => offsetInName(nameOf(path), 'log') ?? 0)
  for (const [i, path] of paths.entries()) {
    if (left <= 0 || (paths.length > 1 && (bases[i + 1] ?? from + 1) <= from)) continue
    const file = await disk.open(path, 'read')
    try {
      for await (const piece of piecesOf(file, path, bases[i]!, from)) {
        const batches = piece.batches.slice(0, left)
        left -= batches.length
        yield { ...piece, batches }
        if (left <= 0) break
      }
    } finally {
      await file.close()
    }
  }
}

async function* piecesOf(file: DiskFile, path: string, baseOffset: number, from: number): AsyncGenerator<DumpedPiece> {
  let start = { position: 0, nextOffset: baseOffset }
  for (let isMore = true; isMore; ) {
    const batches: DumpedBatch[] = []
    const walk = await walkSegment(file, {
      ...{ baseOffset, before: Number.POSITIVE_INFINITY, start, most: batchesAtATime },
      visit: (header, bytes, position) => {
        if (header.lastOffset >= from) batches.push({ file: path, position, header, bytes })
      },
    })
    const damaged = walk.tail === undefined ? walk.damaged : [...walk.damaged, walk.tail]
    yield { batches, damaged: damaged.map(range => ({ ...range, file: path })) }
    isMore = walk.batches === batchesAtATime
    start = { position: walk.end, nextOffset: walk.nextOffset }
  }
}

/** Every field of a batch's header. */
export function batchRow({ position, header }: DumpedBatch): DumpRow {
  return {
    ...{ position, size: header.sizeInBytes, baseOffset: header.baseOffset, lastOffset: header.lastOffset },
    ...{ count: header.recordCount, leaderEpoch: header.partitionLeaderEpoch, magic: header.magic },
    crc: header.crc.toString(16).padStart(8, '0'),
    ...{ compression: header.compression, timestampType: header.timestampType },
    ...{ baseTimestamp: header.baseTimestamp, maxTimestamp: header.maxTimestamp },
    ...{
      producerId: String(header.producerId),
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
    },
    ...{ transactional: header.isTransactional, control: header.isControl, deleteHorizon: header.hasDeleteHorizon },
  }
}

export const isSegment = (path: string): boolean => kindOfFile(nameOf(path))?.kind === 'segment'

/** Rows of a file that is no segment. Throws a UsageError for one that is none of ours. */
export async function dumpFile(disk: Disk, path: string): Promise<Iterable<DumpRow>> {
  const kind = kindOfFile(nameOf(path))
  if (kind?.rows === undefined)
    throw new UsageError(
      `${path} is none of the files that can be dumped: ${fileKinds
        .filter(({ rows, kind: name }) => rows !== undefined || name === 'segment')
        .map(each => each.kind)
        .join(', ')}. Their names tell them apart, so keep the name when you copy one.`,
    )
  const bytes = await disk.readFile(path)
  const problems = kind.problems?.(bytes, nameOf(path)).filter(({ code }) => code.endsWith('-damaged')) ?? []
  if (problems.length > 0 && kind.kind !== 'checkpoint')
    throw new UsageError(`${path} is damaged: ${problems[0]!.problem}. odradek log verify says what that means.`)
  return kind.rows(bytes, nameOf(path))
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
