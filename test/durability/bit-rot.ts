/**
 * One flipped bit in any kind of file, many times: the broker starts, says what it found, serves every batch but the one that was hit,
 * and nothing that was never written.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { eachBatch } from '@odradek/protocol'
import { type Dice, dice } from './dice.ts'
import { checkFolder } from './folder-check.ts'
import { filesByKind, type LostRange, onCopy, type WrittenFolder, writeFolder } from './written-folder.ts'

export interface BitRotFigures {
  kind: string
  flips: number
  /** The broker's log told of it. */
  said: number
  /** Records were answered with CORRUPT_MESSAGE. */
  answered: number
  /** Nothing told of it, and nothing was different. */
  harmless: number
  /** What must not be; each names its file and bit. */
  problems: string[]
}

export interface BitRotOptions {
  flipsPerKind: number
  seed: number
  /** Kinds of files (`n.log`, `checkpoint`, `metadata.db`, …); all that are found when absent. */
  kinds?: readonly string[]
  progress?: (figures: BitRotFigures) => void
}

/** In folders that were closed in order, left by a kill, and closed after damage was found. */
export async function bitRot({ flipsPerKind, seed, kinds, progress }: BitRotOptions): Promise<BitRotFigures[]> {
  const throwing = dice(seed)
  const folders = [await writeFolder('closed'), await writeFolder('killed'), await writeFolder('harmed')]
  try {
    const byKind = folders.map(({ folder }) => filesByKind(folder))
    const found = kinds ?? [...new Set(byKind.flatMap(each => [...each.keys()]))].sort()
    const all: BitRotFigures[] = []
    for (const kind of found) {
      const figures: BitRotFigures = { kind, flips: 0, said: 0, answered: 0, harmless: 0, problems: [] }
      const homes = folders.filter((_, i) => byKind[i]!.has(kind))
      for (let i = 0; i < flipsPerKind && homes.length > 0; i++) {
        const home = homes[i % homes.length]!
        await flipOne(home, byKind[folders.indexOf(home)]!.get(kind)!, throwing, figures)
      }
      progress?.(figures)
      all.push(figures)
    }
    return all
  } finally {
    for (const { folder } of folders) rmSync(folder, { recursive: true, force: true })
  }
}

async function flipOne(home: WrittenFolder, files: readonly string[], throwing: Dice, figures: BitRotFigures) {
  const file = files[throwing(files.length)]!
  const bit = throwing(readFileSync(join(home.folder, file)).length * 8)
  await onCopy(home.folder, async copy => {
    const path = join(copy, file)
    const bytes = readFileSync(path)
    const at = bit >> 3
    const { log, range } = hitIn(path, bytes, at)
    bytes[at]! ^= 1 << (bit & 7)
    writeFileSync(path, bytes)
    const allowed = { log, lost: range === undefined ? home.lost : [...home.lost, range] }
    const { problems, lines, lost: missing } = await checkFolder(copy, home.truth, allowed)
    const isKnown = (place: string) => home.lost.some(({ log: at, from, to }) => placesOf(at, from, to).includes(place))
    const lost = missing.filter(place => !isKnown(place))
    figures.flips++
    if (lost.length > 0) figures.answered++
    if (lines.length > 0) figures.said++
    if (lost.length === 0 && lines.length === 0) figures.harmless++
    for (const problem of problems) figures.problems.push(`${file}, bit ${bit}, ${home.ending}: ${problem}`)
  })
}

const placesOf = (log: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${log}@${from + i}`)

/** Of a segment, the batch with the flipped byte may be lost; of every other file, nothing. */
function hitIn(path: string, bytes: Uint8Array, at: number): { log: string | undefined; range: LostRange | undefined } {
  if (!/\d{20}\.log$/.test(path)) return { log: undefined, range: undefined }
  const log = basename(dirname(path))
  const hit = [...eachBatch(bytes)].findLast(batch => batch.at <= at)
  return {
    log,
    range: hit && { log, from: hit.baseOffset, to: hit.baseOffset + hit.lastOffsetDelta + 1 },
  }
}
