/** Partitions that the checkpoint knows records of, and that have no folder: all of them is gone. */
import type { Disk } from '@odradek/world'
import { partitionKey } from '../folder/checkpoint.ts'
import { offsetInName } from '../folder/file-names.ts'
import { listIfThere } from '../folder/whole-file.ts'
import type { PartitionEnds } from './checkpoint-file.ts'
import type { Finding } from './finding.ts'
import { topicOfFolder } from './partition-check.ts'
import { foundNames } from './partition-names.ts'

export interface LostPartition extends PartitionEnds {
  readonly topicId: string
  readonly index: number
}

/** A slot is free again when its topic is deleted. A folder whose owner cannot be told may be anybody's, and is looked at by itself. */
export async function lostPartitions(
  disk: Disk,
  root: string,
  ends: ReadonlyMap<string, PartitionEnds>,
): Promise<LostPartition[]> {
  const there = new Set<string>()
  for (const { name, place } of await foundNames(disk, root)) {
    if (place.kind !== 'partition') continue
    const topicId = await topicOfFolder(disk, `${root}/${name}`).catch(() => undefined)
    if (topicId !== undefined) there.add(partitionKey(topicId, place.index))
  }
  const lost: LostPartition[] = []
  for (const [key, { durableOffset, logStartOffset }] of ends) {
    const [, topicId, index] = /^(.+)\/(\d+)$/.exec(key) ?? []
    if (topicId === undefined || there.has(key) || durableOffset <= logStartOffset) continue
    lost.push({ topicId, index: Number(index), durableOffset, logStartOffset })
  }
  return lost
}

/** `topics` as for verify: null is a topic that was deleted. */
export async function lostFindings(
  disk: Disk,
  root: string,
  ends: ReadonlyMap<string, PartitionEnds>,
  topics: (topicId: string) => { name: string } | null | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { topicId, index, logStartOffset, durableOffset } of await lostPartitions(disk, root, ends)) {
    const topic = topics(topicId)
    if (topic === null || (topic === undefined && (await hasOwnerless(disk, root, index)))) continue
    const file = topic === undefined ? `${topicId}-${index}` : `${topic.name}-${index}`
    if (topic !== undefined && (await hasSegments(disk, `${root}/${file}`))) continue
    const offsets = [logStartOffset, durableOffset] as const
    const problem = `the folder of a partition that reached to offset ${durableOffset} is gone, or empty`
    findings.push({ file, code: 'partition-missing', problem, offsets })
  }
  return findings
}

/** Whether a folder of that number has records and does not say whose: it may be the one. */
async function hasOwnerless(disk: Disk, root: string, index: number): Promise<boolean> {
  for (const { name, place } of await foundNames(disk, root)) {
    if (place.kind !== 'partition' || place.index !== index) continue
    const path = `${root}/${name}`
    if ((await topicOfFolder(disk, path).catch(() => undefined)) === undefined && (await hasSegments(disk, path)))
      return true
  }
  return false
}

async function hasSegments(disk: Disk, folder: string): Promise<boolean> {
  const names = await listIfThere(disk, folder).catch(() => [])
  return names.some(name => offsetInName(name, 'log') !== undefined)
}
