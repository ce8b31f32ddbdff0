import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { committedView } from '../testing/committed-view.ts'
import { compactedTopic, expected, leftByPass, written } from '../testing/compacted-log.ts'
import { type Interruption, interruptedDisk } from '../testing/interrupted-disk.ts'
import { notes } from '../testing/notes.ts'

/** False when the cleaner had ended before the k-th operation. */
async function crashAt(at: number, isAfter: boolean, unsynced: 'kept' | 'lost' | 'seeded'): Promise<boolean> {
  const world = simulatedWorld({ seed: 2 * at + Number(isAfter) })
  const machine = world.machine('m')
  const interruption: Interruption = { isArmed: false, count: 0, at, isAfter, crash: () => machine.crash({ unsynced }) }
  const log = notes()
  const boot = async (wrap: (disk: Disk) => Disk, leaderEpoch: number) => {
    const { clock, disk } = machine.boot()
    const engine = await world.clock.finish(
      EmbeddedEngine.start({
        ...{ clock, disk: wrap(disk), folder: '/data', leaderEpoch, logger: log },
        cleaner: () => ({ backoffMs: 50 }),
        limits: { journalBytes: 0 },
      }),
    )
    await world.clock.finish(engine.open(compactedTopic))
    return engine
  }
  const first = await boot(disk => interruptedDisk(disk, interruption), 0)
  for (const batch of written())
    await world.clock.finish(first.append([batch], { acks: -1, deadline: Number.POSITIVE_INFINITY }))
  const view = async (engine: EmbeddedEngine) => {
    const seen = await world.clock.finish(committedView(engine, 1))
    return { values: Object.fromEntries(seen.map(({ key, value }) => [key, value])), count: seen.length }
  }
  interruption.isArmed = true
  await world.clock.advance(60)
  const wasReached = interruption.count >= at
  interruption.isArmed = false
  if (!wasReached) {
    assert.deepEqual(await view(first), { values: expected, count: leftByPass }, 'what is left when nothing fails')
    return false
  }
  const where = `a crash ${isAfter ? 'after' : 'before'} operation ${at}, unsynced ${unsynced}`
  const second = await boot(disk => disk, 1)
  assert.deepEqual((await view(second)).values, expected, where)
  await world.clock.advance(60)
  assert.deepEqual((await view(second)).values, expected, `${where}, cleaned again`)
  const again = { acks: -1, deadline: Number.POSITIVE_INFINITY } as const
  const [answer] = await world.clock.finish(second.append([written().at(-1)!], again))
  assert.ok(answer?.ok && answer.duplicate, `${where}: the producer's last batch is known`)
  await world.clock.finish(second.close({ drain: true }))
  const names = (await machine.disk.list('/data/orders-0')).filter(name => /cleaned$|swap$/.test(name))
  assert.deepEqual(names, [], `${where}: nothing is left half done`)
  return true
}

test('a crash at any operation of a pass loses no value, and brings none back', async () => {
  let operations = 0
  for (let at = 1; ; at++) {
    const outcomes = []
    for (const unsynced of ['kept', 'lost', 'seeded'] as const)
      for (const isAfter of [false, true]) outcomes.push(await crashAt(at, isAfter, unsynced))
    if (outcomes.every(wasReached => !wasReached)) break
    operations++
  }
  assert.ok(operations >= 25, `${operations} operations`)
})
