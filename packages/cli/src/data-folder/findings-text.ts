/** Findings for people, a few lines each, and for programs, a row each. */
import { styleText } from 'node:util'
import { type Finding, findingKinds, type Severity } from '@odradek/log/tools'
import type { Row } from '../output/rows.ts'

const colours = { damage: 'red', mended: 'yellow', note: 'dim' } as const satisfies Record<Severity, string>

export function findingText(finding: Finding, folder: string): string {
  const { severity, meaning, mend } = findingKinds[finding.code]
  const { file, problem } = finding
  const head = `${styleText(colours[severity], severity.padEnd(6), { stream: process.stdout })}  ${[file, placeText(finding)].filter(Boolean).join(', ')}`
  return `${head}\n        ${problem}\n        means: ${meaning}\n        mend:  ${mend.replaceAll('DATA_DIR', folder)}\n`
}

function placeText({ byte, bytes, offsets }: Finding): string {
  const at = byte === undefined ? '' : `byte ${byte}${bytes === undefined ? '' : `, ${bytes} bytes`}`
  return [at, offsets && offsetsText(offsets)].filter(Boolean).join(', ')
}

export const offsetsText = ([from, to]: readonly [number, number]): string =>
  to - from <= 1 ? `offset ${from}` : `offsets ${from} to ${to - 1}`

export function findingRow({ file, code, byte, bytes, offsets, problem }: Finding): Row {
  const { severity, meaning, mend } = findingKinds[code]
  const [from, to] = offsets ?? []
  return {
    ...{ severity, code, file, byte: byte ?? null, bytes: bytes ?? null },
    ...{ fromOffset: from ?? null, toOffset: to === undefined ? null : to - 1, problem, meaning, mend },
  }
}

export function countsText(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter(({ code }) => findingKinds[code].severity === severity).length
  const damaged = count('damage')
  const mended = count('mended')
  if (damaged + mended === 0) return 'nothing is wrong'
  return [damaged && `${damaged} damaged`, mended && `${mended} that the next start mends`].filter(Boolean).join(', ')
}
