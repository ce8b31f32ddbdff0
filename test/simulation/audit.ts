/** When all is over: reads every log from start to end, asks what the group has committed, and notes it. */
import { readMetadata } from '@odradek/broker/metadata'
import type { Kafka, ReadOptions } from '@odradek/client'
import { type Finding, findingKinds, verifyFolder } from '@odradek/log/tools'
import type { PlannedTopic } from './plan.ts'
import { group, nameOf } from './reading.ts'
import { passDamage } from './rot.ts'
import type { Scene } from './scene.ts'

const process = 'auditor'

/** An acknowledged record may be in it. */
export class Unreadable extends Error {}

export async function audit(scene: Scene): Promise<void> {
  const client = scene.clients.start(process)
  for (const topic of scene.plan.topics) {
    try {
      await readAll(scene, client.kafka, topic)
    } catch (error) {
      throw new Unreadable(`${topic.name} cannot be read whole: ${(error as Error).message}`, { cause: error })
    }
  }
  await askCommitted(scene, client.kafka, 'last')
  await scene.clients.close(client)
}

async function readAll(scene: Scene, kafka: Kafka, topic: PlannedTopic): Promise<void> {
  const { recorder } = scene
  const { topics } = kafka.admin()
  const ends = await topics.offsets(topic.name, 'latest')
  const next = new Map(
    (await topics.offsets(topic.name, 'earliest')).map(({ partition, offset }) => [partition, offset]),
  )
  const holes: { partition: number; from: number; to: number }[] = []
  for await (const record of readable(scene, kafka, topic, next)) {
    const { partition, offset } = record
    const from = next.get(partition)!
    if (offset !== from) holes.push({ partition, from, to: offset })
    next.set(partition, offset + 1)
    const name = `${topic.name}-${partition}`
    recorder.note({ kind: 'poll', process, records: [{ partition: name, offset, value: nameOf(record) }] })
  }
  for (const [partition, from] of next) {
    const to = ends[partition]!.offset
    if (from !== to) holes.push({ partition, from, to })
  }
  // Retention may have been at work meanwhile.
  const starts = await topics.offsets(topic.name, 'earliest')
  const hole = holes.find(({ partition, to }) => to > (topic.hasRetention ? starts[partition]!.offset : -1))
  if (hole !== undefined && !topic.isCompacted)
    throw new Error(`${topic.name}-${hole.partition} has nothing from ${hole.from} to ${hole.to}`)
  for (const { partition, offset: logStart } of starts) {
    const name = `${topic.name}-${partition}`
    if (topic.hasRetention) recorder.note({ kind: 'trim', partition: name, before: logStart })
    const highWatermark = ends[partition]!.offset
    recorder.note({ kind: 'end', process, partition: name, logStart, highWatermark, at: recorder.now })
  }
}

/** `next` says where each partition is; it is moved behind what is damaged. */
async function* readable(scene: Scene, kafka: Kafka, { name }: PlannedTopic, next: Map<number, number>) {
  for (let from: ReadOptions['from'] = 'earliest'; ; from = { offsets: Object.fromEntries(next) }) {
    try {
      yield* kafka.read(name, { from })
      return
    } catch (error) {
      const { partition, next: behind } = passDamage(scene, error)
      next.set(partition, behind)
    }
  }
}

/** Everything the group has committed, as the broker tells it. */
export async function askCommitted({ recorder, plan }: Scene, kafka: Kafka, id: string): Promise<void> {
  if (plan.members === 0) return
  recorder.note({ kind: 'fetch-committed', id })
  const found = await kafka.admin().groups.offsets(group)
  for (const { name: topic, partitions } of plan.topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const offset = found.find(at => at.topic === topic && at.partition === partition)?.offset ?? -1
      recorder.note({ kind: 'fetched-committed', id, group, partition: `${topic}-${partition}`, offset })
    }
  }
}

const wholes = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** What rot looks like. */
const mayRot: ReadonlySet<string> = new Set(['segment-damaged', 'quarantined'])

/** What lies in the folder when nobody is at work in it, byte by byte. */
export async function verify({ server, recorder }: Scene): Promise<void> {
  const { machine, folder } = server
  // Where compaction has been at work, the folder itself says so: a hole anywhere else is a loss, whatever the topic's settings are.
  const known = await readMetadata(machine.disk, folder)
  const topics = (id: string) => {
    const topic = known.topics.get(id)
    return topic ? { name: topic.name, compacted: false } : null
  }
  const { findings } = await verifyFolder({ disk: machine.disk, folder, deep: true, topics })
  const ranges = recorder.events.filter(event => event.kind === 'rot')
  const isHit = (partition: string, offset: number) =>
    ranges.some(range => range.partition === partition && range.from <= offset && offset < range.to)
  const isExpected = ({ code, file, offsets: [from, to] = [0, 0] }: Finding) =>
    mayRot.has(code) && from < to && wholes(from, to).every(offset => isHit(file.split('/')[0]!, offset))
  const damage = findings.filter(finding => findingKinds[finding.code].severity === 'damage' && !isExpected(finding))
  if (damage.length > 0)
    throw new Unreadable(
      `verify found ${damage
        .map(finding => JSON.stringify(finding))
        .join(', ')
        .replaceAll(folder, '…')}`,
    )
  for (const finding of findings) recorder.remark(`verify: ${JSON.stringify(finding).replaceAll(folder, '…')}`)
}
