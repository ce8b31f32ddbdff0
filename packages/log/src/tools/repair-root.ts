/** Repairs of what is beside the segments of one partition: whose folder it is, and the checkpoint of all. */
import type { Clock, Disk } from '@odradek/world'
import { Checkpoint, partitionKey } from '../folder/checkpoint.ts'
import { checkpointName, metadataName, offsetInName } from '../folder/file-names.ts'
import { shortId } from '../folder/partition-folder.ts'
import { writeFile } from '../folder/whole-file.ts'
import type { Finding } from './finding.ts'
import { topicOfFolder } from './partition-check.ts'
import { folderKind, foundNames } from './partition-names.ts'
import type { Aside } from './repair-aside.ts'
import type { RepairStep } from './repair-steps.ts'
import { walkSegment } from './segment-walk.ts'
import { endsOf } from './verify.ts'

interface OwnerRepair {
  readonly disk: Disk
  readonly root: string
  readonly name: string
  readonly aside: Aside
  readonly topicIdOf: ((name: string) => string | undefined) | undefined
}

export function ownerStep(repair: OwnerRepair, findings: readonly Finding[]): RepairStep | undefined {
  const { disk, root, name, aside, topicIdOf } = repair
  const damaged = findings.filter(({ code }) => code === 'owner-damaged')
  const place = folderKind(name)
  const topicId = place.kind === 'partition' ? topicIdOf?.(place.topic) : undefined
  if (damaged.length === 0 || topicId === undefined) return undefined
  const file = `${name}/${metadataName}`
  return {
    file,
    step: `write that the folder belongs to the topic with id ${topicId}`,
    mends: damaged,
    apply: async () => {
      await aside.keep(file)
      const text = `version: 0\ntopic_id: ${shortId(topicId)}\n`
      await writeFile(disk, `${root}/${file}`, new TextEncoder().encode(text), { sync: true })
    },
  }
}

interface CheckpointRepair {
  readonly disk: Disk
  readonly clock: Clock
  readonly root: string
  readonly aside: Aside
}

export function checkpointStep(repair: CheckpointRepair, findings: readonly Finding[]): RepairStep | undefined {
  const damaged = findings.filter(({ code }) => code === 'checkpoint-damaged' || code === 'checkpoint-missing')
  if (damaged.length === 0) return undefined
  return {
    file: checkpointName,
    step: 'write the ends of the partitions that it does not know any more, as their segments have them',
    mends: damaged,
    apply: () => writeEnds(repair),
  }
}

async function writeEnds({ disk, clock, root, aside }: CheckpointRepair): Promise<void> {
  await aside.keep(checkpointName)
  const known = (await endsOf(disk, root)) ?? new Map()
  await disk.remove(`${root}/${checkpointName}`)
  const checkpoint = await Checkpoint.open(clock, disk, root)
  try {
    for (const [key, ends] of known) checkpoint.write(checkpoint.claim(key), ends)
    for (const { name, place } of await foundNames(disk, root)) {
      const topicId = place.kind === 'partition' ? await topicOfFolder(disk, `${root}/${name}`) : undefined
      if (place.kind !== 'partition' || topicId === undefined) continue
      const key = partitionKey(topicId, place.index)
      const ends = known.has(key) ? undefined : await endsInSegments(disk, `${root}/${name}`)
      if (ends !== undefined) checkpoint.write(checkpoint.claim(key), ends)
    }
    await checkpoint.sync()
  } finally {
    await checkpoint.close()
  }
}

async function endsInSegments(disk: Disk, folder: string) {
  const names = (await disk.list(folder)).filter(name => offsetInName(name, 'log') !== undefined)
  const [first, last] = [names[0], names.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const file = await disk.open(`${folder}/${last}`, 'read')
  try {
    const baseOffset = offsetInName(last, 'log')!
    const { nextOffset } = await walkSegment(file, { baseOffset, before: Number.POSITIVE_INFINITY })
    return { durableOffset: nextOffset, logStartOffset: offsetInName(first, 'log')! }
  } finally {
    await file.close()
  }
}
