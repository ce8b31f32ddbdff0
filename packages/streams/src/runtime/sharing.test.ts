import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaStreams } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const vocabulary = ['whale', 'ship', 'sea', 'captain', 'harpoon', 'boat', 'oil', 'white', 'deep', 'storm']

/** `n` lines of four words, and how often each word is in them. */
function text(n: number): { lines: string[]; expected: Record<string, number> } {
  const lines = Array.from({ length: n }, (_, i) => [0, 1, 3, 7].map(d => vocabulary[(i * d + i) % 10]).join(' '))
  const expected: Record<string, number> = {}
  for (const word of lines.join(' ').split(' ')) expected[word] = (expected[word] ?? 0) + 1
  return { lines, expected }
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0)
const idsOf = (app: KafkaStreams) => app.tasks().map(({ id }) => id)
const isAtRest = (...apps: KafkaStreams[]) => apps.every(app => app.state === 'RUNNING')
const countedBy = (...apps: KafkaStreams[]) =>
  apps.flatMap(app => [...app.store<string, number>('words').all()]).reduce((n, [, { value }]) => n + value, 0)

test('two instances share the tasks, each has the state of its own, and a clean hand-over counts nothing twice', async () => {
  const cluster = await SimulatedCluster.start(2)
  await cluster.makeTopics(4)
  const { lines, expected } = text(60)
  const [first, second] = [cluster.instance('one'), cluster.instance('two')]
  await cluster.finish(first.start())
  await cluster.publish(lines.slice(0, 20))
  await cluster.until(() => isAtRest(first) && countedBy(first) === 80)
  await cluster.finish(second.start())
  await cluster.until(() => isAtRest(first, second) && idsOf(first).length === 4 && idsOf(second).length === 4)
  assert.deepEqual(
    [...idsOf(first), ...idsOf(second)].sort(),
    ['0', '1'].flatMap(s => [0, 1, 2, 3].map(p => `${s}_${p}`)),
  )
  await cluster.publish(lines.slice(20, 40))
  await cluster.until(() => isAtRest(first, second) && countedBy(first, second) === 160)
  await cluster.finish(first.close())
  await cluster.until(() => isAtRest(second) && idsOf(second).length === 8)
  assert.equal(countedBy(second), 160)
  await cluster.publish(lines.slice(40))
  await cluster.until(() => isAtRest(second) && countedBy(second) === 240)
  await cluster.finish(second.close())
  assert.deepEqual(await cluster.counts(), { last: expected, updates: 240 })
  await cluster.close()
})

test('the work of an instance that has crashed goes on in another, from its last commit', async () => {
  const cluster = await SimulatedCluster.start(3)
  await cluster.makeTopics(4)
  const { lines, expected } = text(60)
  const [first, second] = [cluster.instance('one', { commitIntervalMs: 1_000 }), cluster.instance('two')]
  await cluster.finish(Promise.all([first.start(), second.start()]))
  await cluster.until(() => isAtRest(first, second) && idsOf(first).length === 4 && idsOf(second).length === 4)
  await cluster.publish(lines.slice(0, 40))
  await cluster.until(() => isAtRest(first, second) && countedBy(first, second) === 160)
  await cluster.world.clock.advance(2_000)
  cluster.world.machine('one').crash()
  await cluster.publish(lines.slice(40))
  await cluster.until(() => isAtRest(second) && idsOf(second).length === 8 && countedBy(second) === 240)
  await cluster.finish(second.close())
  // All that the first had done was committed, so this is exact.
  assert.deepEqual(await cluster.counts(), { last: expected, updates: 240 })
  await cluster.close()
})

test('a crash between commits loses nothing: what was not committed is counted again', async () => {
  const cluster = await SimulatedCluster.start(4)
  await cluster.makeTopics(4)
  const { lines, expected } = text(100)
  const [first, second] = [cluster.instance('one'), cluster.instance('two')]
  await cluster.finish(Promise.all([first.start(), second.start()]))
  await cluster.until(() => isAtRest(first, second) && idsOf(first).length === 4 && idsOf(second).length === 4)
  await cluster.publish(lines)
  await cluster.until(() => countedBy(first) > 40)
  cluster.world.machine('one').crash()
  await cluster.until(() => isAtRest(second) && idsOf(second).length === 8)
  await cluster.world.clock.advance(20_000)
  await cluster.finish(second.close())
  const { last } = await cluster.counts()
  for (const [word, count] of Object.entries(expected)) assert.ok(last[word]! >= count, `${word}: ${last[word]}`)
  assert.ok(sum(last) < 2 * sum(expected))
  await cluster.close()
})

test('an instance that was cut off for longer than its session gives up its tasks and comes back', async () => {
  const cluster = await SimulatedCluster.start(5)
  await cluster.makeTopics(4)
  const { lines, expected } = text(60)
  const [first, second] = [cluster.instance('one', { commitIntervalMs: 500 }), cluster.instance('two')]
  await cluster.finish(Promise.all([first.start(), second.start()]))
  await cluster.until(() => isAtRest(first, second) && idsOf(first).length === 4)
  await cluster.publish(lines.slice(0, 30))
  await cluster.until(() => isAtRest(first, second) && countedBy(first, second) === 120)
  await cluster.world.clock.advance(2_000)
  cluster.world.wire.partition('one', 'broker')
  await cluster.until(() => isAtRest(second) && idsOf(second).length === 8)
  await cluster.publish(lines.slice(30))
  await cluster.until(() => isAtRest(second) && countedBy(second) === 240)
  cluster.world.wire.heal()
  await cluster.until(() => isAtRest(first, second) && idsOf(first).length === 4 && idsOf(second).length === 4)
  await cluster.world.clock.advance(1_000)
  await cluster.finish(Promise.all([first.close(), second.close()]))
  // Until it heard of its dismissal it may have processed what the other had: at least once.
  const { last } = await cluster.counts()
  for (const [word, count] of Object.entries(expected)) assert.ok(last[word]! >= count, `${word}: ${last[word]}`)
  await cluster.close()
})

test('whatever happens to instances, everything is counted; and exactly once if all of them close cleanly', async () => {
  for (const seed of process.env.SEEDS?.split(',').map(Number) ??
    process.env.SEEDS?.split(',').map(Number) ?? [11, 12, 13, 14])
    await history(seed, seed % 2 === 0)
})

/** Instances come and go by chance while lines are published. */
async function history(seed: number, mayCrash: boolean): Promise<void> {
  const cluster = await SimulatedCluster.start(seed, { weather: { cutChance: 0.005 }, nodes: 1 + (seed % 3) })
  const { random } = cluster.world
  await cluster.makeTopics(3)
  const { lines, expected } = text(90)
  let alive: { machine: string; app: KafkaStreams }[] = []
  let machines = 0
  const add = async () => {
    const machine = `m${machines++}`
    const app = cluster.instance(machine, { commitIntervalMs: random.int(5_000) + 1 })
    alive.push({ machine, app })
    await cluster.finish(app.start())
  }
  await add()
  for (let i = 0; i < lines.length; i += 15) {
    await cluster.publish(lines.slice(i, i + 15))
    const dice = random.int(4)
    if (dice === 0 || alive.length === 0) await add()
    else if (dice < 3) {
      const [leaving] = alive.splice(random.int(alive.length), 1)
      if (mayCrash && random.chance(0.5)) cluster.world.machine(leaving!.machine).crash()
      else await cluster.finish(leaving!.app.close())
    }
    await cluster.world.clock.advance(random.int(6_000))
  }
  if (alive.length === 0) await add()
  await cluster.world.clock.advance(20_000)
  await cluster.finish(Promise.all(alive.map(({ app }) => app.close())))
  alive = []
  const { last, updates } = await cluster.counts()
  const note = `seed ${seed}: ${JSON.stringify(last)}`
  if (mayCrash) for (const [word, count] of Object.entries(expected)) assert.ok(last[word]! >= count, note)
  else assert.deepEqual({ last, updates }, { last: expected, updates: sum(expected) }, note)
  await cluster.close()
}
