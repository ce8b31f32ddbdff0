/** What `log verify` looks at, a data folder or a backup, and what it says in the end. */
import { resolve } from 'node:path'
import { type Finding, readScrubPass, type ScrubPass, severityOf, verifyBackup, verifyFolder } from '@odradek/log/tools'
import { UsageError } from '@odradek/protocol'
import { realDisk } from '@odradek/world'
import { outputFormat, printRows } from '../output/rows.ts'
import { openDataFolder } from './data-folder.ts'
import { countsText, findingRow, findingText } from './findings-text.ts'
import { metadataFindings } from './metadata-findings.ts'
import { bytesText, Progress } from './progress.ts'

export interface Verification {
  readonly findings: readonly Finding[]
  /** What was gone through, and how fast. */
  readonly scope: string
  /** The last whole pass of the broker's own scrub, if there was one. */
  readonly scrub?: ScrubPass | undefined
}

export interface VerificationRequest {
  readonly named: string
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly deep: boolean
}

export async function verifyNamed(request: VerificationRequest): Promise<Verification> {
  const progress = new Progress('checked')
  try {
    const backup = await verifyBackup({ disk: realDisk, backup: resolve(request.named), onBytes: progress.note })
    if (backup !== undefined)
      return { findings: backup.findings, scope: `a backup of ${backup.files} files, ${progress.text}` }
    return await verifyData(request, progress)
  } finally {
    progress.end()
  }
}

async function verifyData(
  { named, topic, partition, deep }: VerificationRequest,
  progress: Progress,
): Promise<Verification> {
  const folder = await openDataFolder(named)
  const { partitions, files, findings } = await verifyFolder({
    ...{ disk: realDisk, folder: folder.path, live: folder.isLive, deep, topic, partition, topics: folder.topics },
    onBytes: progress.note,
  })
  const isAll = topic === undefined && partition === undefined
  if (!isAll && partitions.length === 0)
    throw new UsageError(
      `There is no partition ${partition === undefined ? '' : `${partition} `}of ${topic ?? 'any topic'} in ${named}.`,
    )
  const beside = folder.isLive ? ' beside a running broker, up to what is durable' : ''
  return {
    findings: [...(isAll ? await metadataFindings(folder) : []), ...findings],
    scope: `${partitions.length} partitions, ${files} files, ${progress.text}${beside}`,
    scrub: await readScrubPass(realDisk, folder.path),
  }
}

/** The exit code. */
export function printVerification(verification: Verification, named: string, output: string | undefined): number {
  const { findings, scope, scrub } = verification
  const summary = `${scope}: ${countsText(findings)}\n${scrub === undefined ? '' : scrubText(scrub)}`
  if (outputFormat(output) === 'table') {
    for (const finding of findings) process.stdout.write(`${findingText(finding, named)}\n`)
    process.stdout.write(summary)
  } else {
    printRows(findings.map(findingRow), output)
    process.stderr.write(summary)
  }
  return findings.some(finding => severityOf(finding) === 'damage') ? 1 : 0
}

const scrubText = ({ endedAt, durationMs, bytes, damaged }: ScrubPass): string =>
  `the broker's last scrub ended ${new Date(endedAt).toISOString()}: ${bytesText(bytes)} in ${Math.round(durationMs / 1000)} s, ${damaged} damaged ranges that were not known\n`
