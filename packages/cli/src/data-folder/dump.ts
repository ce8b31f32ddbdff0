/** What files of a data folder say, printed as it is read: batches, records, or the rows of any other file. */
import { once } from 'node:events'
import { basename, dirname, join, resolve } from 'node:path'
import { metadataDatabaseName, metadataLogName, metadataLogRows } from '@odradek/broker/metadata'
import {
  batchRow,
  type DumpedBatch,
  type DumpedPiece,
  dumpFile,
  dumpSegments,
  folderKind,
  isSegment,
  readManifest,
} from '@odradek/log/tools'
import { decodeControlBatch, decodeRecords, UsageError } from '@odradek/protocol'
import { realDisk } from '@odradek/world'
import { recordPrinter } from '../output/record-printer.ts'
import { outputFormat, type Row, renderRows } from '../output/rows.ts'
import { coordinatorLine, isCoordinatorTopic } from './coordinator-records.ts'
import { offsetsText } from './findings-text.ts'

export interface DumpRequest {
  readonly paths: readonly string[]
  readonly from: number | undefined
  readonly count: number | undefined
  readonly records: boolean
  readonly format: string | undefined
  readonly output: string | undefined
}

/** The exit code: 1 when damaged bytes were passed over. */
export async function dump(request: DumpRequest): Promise<number> {
  const paths = await filesOf(request.paths)
  const segments = paths.filter(isSegment)
  let damaged = 0
  for (const path of paths.filter(path => !isSegment(path))) damaged += await dumpOther(path, request.output)
  if (segments.length === 0) return damaged > 0 ? 1 : 0
  return request.records || request.format !== undefined
    ? dumpRecords(segments, request)
    : dumpBatches(segments, request)
}

/** How many rows of it are damaged. */
async function dumpOther(path: string, output: string | undefined): Promise<number> {
  const rows = await rowsOf(path)
  await print(rowsText(rows, output))
  return basename(path) === metadataLogName ? rows.filter(({ state }) => state === 'damaged').length : 0
}

async function rowsOf(path: string): Promise<Row[]> {
  switch (basename(path)) {
    case metadataLogName:
      return [...metadataLogRows(await realDisk.readFile(path))] as Row[]
    case metadataDatabaseName:
      throw new UsageError(
        `${path} is a database of SQLite, and locked while a broker runs: dump metadata.log beside it, which holds the same, or, when no broker runs, read it with sqlite3 -readonly.`,
      )
    case 'manifest.json':
      return manifestRows(dirname(path))
    default:
      return [...(await dumpFile(realDisk, path))] as Row[]
  }
}

async function manifestRows(backup: string): Promise<Row[]> {
  const manifest = await readManifest(realDisk, backup)
  if (manifest === undefined) throw new UsageError(`There is no manifest.json in ${backup}.`)
  const { partitions, files } = manifest
  const ofPartitions = partitions.flatMap(({ topic, index, files: own }) =>
    own.map(file => ({ folder: `${topic}-${index}`, ...file })),
  )
  return [...ofPartitions, ...files.map(file => ({ folder: '', ...file }))]
}

/** A partition's folder stands for its segments. */
async function filesOf(named: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const path of named.map(name => resolve(name))) {
    const names: string[] | undefined = await realDisk.list(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTDIR') return undefined
      throw error
    })
    if (names === undefined) files.push(path)
    else {
      const segments = names.filter(isSegment).map(name => join(path, name))
      if (segments.length === 0)
        throw new UsageError(
          `There is no segment in ${path}. Name a partition's folder, like DATA_DIR/orders-0, or files in it.`,
        )
      files.push(...segments)
    }
  }
  return files
}

async function dumpBatches(segments: readonly string[], request: DumpRequest): Promise<number> {
  const json = outputFormat(request.output) === 'json' ? new JsonArray() : undefined
  const several = segments.length > 1
  let damaged = 0
  for await (const piece of pieces(segments, request)) {
    damaged += piece.damaged.length
    sayDamage(piece)
    const rows = piece.batches.map(
      batch => ({ ...(several && { file: basename(batch.file) }), ...batchRow(batch) }) as Row,
    )
    if (json === undefined) await print(rows.length === 0 ? '' : rowsText(rows, request.output))
    else await print(json.add(rows))
  }
  if (json !== undefined) await print(json.end())
  return damaged > 0 ? 1 : 0
}

/** Rows that come a few at a time, as one array. */
class JsonArray {
  #isEmpty = true

  add(rows: readonly Row[]): string {
    const text = rows.map((row, i) => `${this.#isEmpty && i === 0 ? '[' : ','}\n  ${JSON.stringify(row)}`).join('')
    if (rows.length > 0) this.#isEmpty = false
    return text
  }

  end(): string {
    return this.#isEmpty ? '[]\n' : '\n]\n'
  }
}

async function dumpRecords(segments: readonly string[], request: DumpRequest): Promise<number> {
  const { from = 0, count = Number.POSITIVE_INFINITY, format, output } = request
  const printer = recordPrinter(format, output ?? (format === undefined ? 'ndjson' : undefined))
  let left = count
  let damaged = 0
  for await (const piece of pieces(segments, { ...request, count: undefined })) {
    damaged += piece.damaged.length
    sayDamage(piece)
    for (const record of recordsOf(piece.batches, from)) {
      if (left-- <= 0) break
      if (format === undefined && isCoordinatorTopic(record.topic)) await print(coordinatorLine(record))
      else printer(record)
    }
    await printer.flush()
    if (left <= 0) break
  }
  await printer.end()
  return damaged > 0 ? 1 : 0
}

function* recordsOf(batches: readonly DumpedBatch[], from: number) {
  for (const { file, header, bytes } of batches) {
    const place = folderKind(basename(dirname(file)))
    const [topic, partition] = place.kind === 'partition' ? [place.topic, place.index] : [basename(dirname(file)), -1]
    const marker = header.isControl ? decodeControlBatch(bytes, header.at).type : undefined
    for (const { offset, timestamp, key, value, headers } of decodeRecords(bytes, header.at)) {
      if (offset < from) continue
      const marked =
        marker === undefined
          ? { key, value }
          : { key: null, value: Buffer.from(`(${marker} marker of producer ${header.producerId})`) }
      yield { topic, partition, offset, timestamp, ...marked, headers }
    }
  }
}

function pieces(segments: readonly string[], { from, count }: Pick<DumpRequest, 'from' | 'count'>) {
  return dumpSegments(realDisk, segments, {
    ...(from !== undefined && { from }),
    ...(count !== undefined && { count }),
  })
}

function sayDamage({ damaged }: DumpedPiece): void {
  for (const { file, position, bytes, fromOffset, toOffset, reason } of damaged)
    process.stderr.write(
      `odradek: ${file}, byte ${position}: ${bytes} bytes passed over (${toOffset > fromOffset ? offsetsText([fromOffset, toOffset]) : `from offset ${fromOffset} on`}): ${reason}\n`,
    )
}

const rowsText = (rows: readonly Row[], output: string | undefined): string => renderRows(rows, outputFormat(output))

async function print(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
}
