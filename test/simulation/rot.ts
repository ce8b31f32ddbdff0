/**
 * Bits that turn over in what has long been durable: in closed segments of topics that are not compacted, each file once, and in indexes,
 * where nobody may notice.
 *
 * Which records are hit is noted: those, and no others, may be refused with CORRUPT_MESSAGE from then on. Nobody may ever be given them
 * wrong.
 */
import { DamagedRecordsError } from '@odradek/client'
import { ProtocolError, readBatch } from '@odradek/protocol'
import type { SimulatedDisk } from '@odradek/world'
import { pick } from './plan.ts'
import type { Scene } from './scene.ts'

const closedSegments = /^\d{20}\.log$/
const indexes = /^\d{20}\.index$/

export async function rot(scene: Scene): Promise<void> {
  const { plan, world, server } = scene
  const { disk } = server.machine
  const topic = pick(world.random, plan.topics)
  const partition = `${topic.name}-${world.random.int(topic.partitions)}`
  const folder = `${server.folder}/${partition}`
  const ofIndex = topic.isCompacted || world.random.chance(0.3)
  const names = (await disk.list(folder).catch(() => [])).filter(name =>
    (ofIndex ? indexes : closedSegments).test(name),
  )
  // The last one may be written to: a damaged end of a log is a torn write to a start that does not know it was durable.
  if (!ofIndex) names.pop()
  const fresh = names.map(name => `${folder}/${name}`).filter(path => !scene.rotten.has(path))
  if (fresh.length === 0) return
  const path = pick(world.random, fresh)
  const bytes = await disk.readFile(path).catch(() => new Uint8Array(0))
  if (bytes.length === 0) return
  scene.rotten.add(path)
  if (ofIndex) turnOver(scene, disk, path, 0, bytes.length)
  else rotBatch(scene, partition, path, bytes)
}

/** A batch that is hit by chance, one to three times. */
function rotBatch(scene: Scene, partition: string, path: string, bytes: Uint8Array): void {
  const { world, recorder, server } = scene
  const hit = world.random.int(bytes.length)
  for (let at = 0; at < bytes.length; ) {
    const { baseOffset, lastOffset, end } = readBatch(bytes, at)
    if (hit < end) {
      recorder.note({ kind: 'rot', partition, from: baseOffset, to: lastOffset + 1 })
      const times = 1 + world.random.int(3)
      for (let i = 0; i < times; i++) turnOver(scene, server.machine.disk, path, at, end)
      return
    }
    at = end
  }
}

function turnOver({ world, recorder, server }: Scene, disk: SimulatedDisk, path: string, from: number, to: number) {
  const position = from + world.random.int(to - from)
  const bit = world.random.int(8)
  recorder.remark(`rot: bit ${bit} of byte ${position} in ${path.replaceAll(server.folder, '…')}`)
  disk.rot(path, position, bit)
}

/**
 * For whoever meets damaged records: notes who found them out, and gives where to read on. That is behind what is known to be hit: a
 * consumer's own guess may pass over good records between two damaged ones.
 */
export function passDamage({ recorder }: Scene, error: unknown): { topic: string; partition: number; next: number } {
  if (!(error instanceof DamagedRecordsError)) throw error
  const { topic, partition, offset } = error
  const name = `${topic}-${partition}`
  const isRefused = error.cause instanceof ProtocolError
  recorder.note({ kind: isRefused ? 'refused' : 'rot-served', partition: name, offset })
  let next = offset
  const ranges = recorder.events.filter(event => event.kind === 'rot').filter(event => event.partition === name)
  for (let range: (typeof ranges)[number] | undefined; ; next = range.to) {
    range = ranges.find(({ from, to }) => from <= next && next < to)
    if (range === undefined) break
  }
  return { topic, partition, next: next > offset ? next : error.resumeAt }
}
