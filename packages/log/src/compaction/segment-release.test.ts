import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { compactedTopic, written } from '../testing/compacted-log.ts'

test('the cleaner lets go of old segments last: whoever closes a file without a name waits until its blocks are free', async () => {
  const world = simulatedWorld({ seed: 3 })
  const { clock, disk } = world.machine('m').boot()
  const held = new Map<string, number>()
  const whenReplaced: number[] = []
  const options = { clock, disk: watchedDisk(disk, held, whenReplaced), folder: '/data', leaderEpoch: 1 }
  const limits = { journalBytes: 0, tailBytes: 0 }
  const engine = await world.clock.finish(
    EmbeddedEngine.start({ ...options, limits, cleaner: () => ({ backoffMs: 50 }) }),
  )
  await world.clock.finish(engine.open(compactedTopic))
  for (const batch of written())
    await world.clock.finish(engine.append([batch], { acks: -1, deadline: Number.POSITIVE_INFINITY }))
  await world.clock.advance(200)
  assert(whenReplaced.length > 0)
  assert(whenReplaced.every(count => count > 0))
  assert([...held.values()].every(count => count === 0))
  await world.clock.finish(engine.close({ drain: false }))
})

/** Counts, by path, the descriptors that only read, and how many of them there are when another file takes the name. */
function watchedDisk(disk: Disk, held: Map<string, number>, whenReplaced: number[]): Disk {
  const add = (path: string, count: number) => held.set(path, (held.get(path) ?? 0) + count)
  return {
    ...disk,
    open: async (path, mode) => {
      const file = await disk.open(path, mode)
      if (mode !== 'read') return file
      add(path, 1)
      const close = file.close.bind(file)
      file.close = () => {
        add(path, -1)
        return close()
      }
      return file
    },
    rename: (from, to) => {
      if (from.endsWith('.swap') && to.endsWith('.log')) whenReplaced.push(held.get(to) ?? 0)
      return disk.rename(from, to)
    },
  }
}
