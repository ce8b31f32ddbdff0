/**
 * Makes a data folder whole again as far as that can be had, while no broker runs on it. What verify finds becomes steps; each says what
 * it does, and nothing that it changes or removes is lost: it goes to a folder of its own first.
 *
 *     torn write                       cut off
 *     damaged or missing records       brought back from a backup; else put in quarantine, so that the rest is served
 *     index, snapshot, checkpoint      made again from the segments
 */
import type { Clock, Disk } from '@odradek/world'
import { cleanShutdownName } from '../folder/file-names.ts'
import { type BackupManifest, readManifest } from './backup-manifest.ts'
import { aroundBadSectors } from './bad-sectors.ts'
import { type Finding, severityOf } from './finding.ts'
import { Aside } from './repair-aside.ts'
import { partitionStep } from './repair-partition.ts'
import { checkpointStep, ownerStep } from './repair-root.ts'
import { PartitionRepair, type RepairStep } from './repair-steps.ts'
import { type VerifyOptions, verifyFolder } from './verify.ts'

export interface RepairOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly folder: string
  /** Where what is changed goes first. Made when something does. */
  readonly aside: string
  /** Says the steps, and changes nothing. */
  readonly dryRun?: boolean
  /** A backup to bring damaged records back from. */
  readonly from?: string | undefined
  readonly topics?: VerifyOptions['topics']
  /** The id of the topic that has this name. */
  readonly topicIdOf?: (name: string) => string | undefined
  readonly onBytes?: (bytes: number) => void
  readonly onStep?: (step: Pick<RepairStep, 'file' | 'step'>) => void
}

export interface RepairReport {
  readonly steps: readonly Pick<RepairStep, 'file' | 'step'>[]
  /** What no step mends. */
  readonly left: readonly Finding[]
}

export async function repairFolder(options: RepairOptions): Promise<RepairReport> {
  const { folder, topics, onBytes, from, dryRun = false } = options
  // What cannot be read is damage, and verify names it.
  const disk = aroundBadSectors(options.disk, () => {})
  const look = () => verifyFolder({ disk, folder, ...(topics && { topics }), ...(onBytes && { onBytes }) })
  const report = await look()
  const manifest = from === undefined ? undefined : await readManifest(disk, from)
  const steps = await planRepair({ ...options, disk }, report.findings, manifest)
  for (const step of steps) {
    options.onStep?.(step)
    if (!dryRun) await step.apply()
  }
  const left = dryRun
    ? report.findings.filter(finding => !steps.some(({ mends }) => mends.includes(finding)))
    : (await look()).findings
  return {
    steps: steps.map(({ file, step }) => ({ file, step })),
    left: left.filter(each => severityOf(each) === 'damage'),
  }
}

async function planRepair(
  options: RepairOptions,
  findings: readonly Finding[],
  manifest: BackupManifest | undefined,
): Promise<RepairStep[]> {
  const { disk, clock, folder, topicIdOf } = options
  const aside = new Aside(disk, folder, options.aside)
  const steps: RepairStep[] = []
  const backup = manifest === undefined ? undefined : { manifest, folder: options.from! }
  for (const finding of findings.filter(({ code }) => code === 'partition-missing')) {
    const step = backup && partitionStep({ disk, root: folder, aside, backup, topicIdOf }, finding)
    if (step !== undefined) steps.push(step)
  }
  const brought = new Set(steps.map(({ file }) => file))
  const byFolder = Map.groupBy(
    findings.filter(({ file }) => file.includes('/') && !brought.has(file.slice(0, file.indexOf('/')))),
    ({ file }) => file.slice(0, file.indexOf('/')),
  )
  for (const [name, ofFolder] of byFolder) {
    const owner = ownerStep({ disk, root: folder, name, aside, topicIdOf }, ofFolder)
    if (owner !== undefined) steps.push(owner)
    steps.push(...(await new PartitionRepair({ disk, clock, root: folder, name, aside, backup }, ofFolder).steps()))
  }
  // The next start looks at everything that it can doubt.
  if (steps.length > 0) steps.push(...(await uncleanSteps(disk, folder)))
  const checkpoint = checkpointStep({ disk, clock, root: folder, aside }, findings)
  if (checkpoint !== undefined) steps.push(checkpoint)
  return steps
}

async function uncleanSteps(disk: Disk, folder: string): Promise<RepairStep[]> {
  const path = `${folder}/${cleanShutdownName}`
  if (!(await disk.exists(path))) return []
  const step = 'remove it, so that the next start looks again'
  return [{ file: cleanShutdownName, step, mends: [], apply: () => disk.remove(path) }]
}
