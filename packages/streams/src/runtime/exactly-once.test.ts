import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaStreams } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const once = { processingGuarantee: 'exactly_once_v2' } as const
const words = ['whale', 'ship', 'sea', 'captain', 'boat']
const lines = (n: number) => Array.from({ length: n }, (_, i) => `${words[i % 5]} ${words[(i * 3 + 1) % 5]}`)

function countsOf(all: readonly string[]): { last: Record<string, number>; updates: number } {
  const last: Record<string, number> = {}
  const each = all.join(' ').split(' ')
  for (const word of each) last[word] = (last[word] ?? 0) + 1
  return { last, updates: each.length }
}

const isAtRest = (...apps: KafkaStreams[]) => apps.every(app => app.state === 'RUNNING')
const countedBy = (...apps: KafkaStreams[]) =>
  apps.flatMap(app => [...app.store<string, number>('words').all()]).reduce((n, [, { value }]) => n + value, 0)

test('with exactly once every record is counted once, and committed every tenth of a second', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(2)
  await cluster.publish(lines(20))
  const app = cluster.instance('one', once)
  await cluster.finish(app.start())
  await cluster.until(() => isAtRest(app) && countedBy(app) === 40)
  await cluster.world.clock.advance(1_000)
  assert.deepEqual(await cluster.counts(), countsOf(lines(20)))
  await cluster.close(app)
})

test('a crash in the middle of a transaction counts nothing twice: its records are aborted, its offsets were not committed (streams facts 2.32)', async () => {
  for (const seed of [3, 4, 5]) {
    const cluster = await SimulatedCluster.start(seed)
    await cluster.makeTopics(3)
    const [first, second] = [cluster.instance('one', once), cluster.instance('two', once)]
    await cluster.finish(Promise.all([first.start(), second.start()]))
    await cluster.until(() => isAtRest(first, second) && first.tasks().length === 3)
    await cluster.publish(lines(60))
    await cluster.until(() => isAtRest(first, second) && countedBy(first) > 5)
    cluster.world.machine('one').crash()
    await cluster.until(() => isAtRest(second) && second.tasks().length === 6 && countedBy(second) === 120)
    await cluster.finish(second.close())
    assert.deepEqual(await cluster.counts(), countsOf(lines(60)), `seed ${seed}`)
    await cluster.close()
  }
})

test('an instance that was cut off comes back: what it did meanwhile is given up, and done once by whoever has the tasks', async () => {
  const cluster = await SimulatedCluster.start(6)
  await cluster.makeTopics(2)
  const [first, second] = [cluster.instance('one', once), cluster.instance('two', once)]
  await cluster.finish(Promise.all([first.start(), second.start()]))
  await cluster.until(() => isAtRest(first, second) && first.tasks().length === 2)
  await cluster.publish(lines(30))
  cluster.world.wire.partition('one', 'broker')
  await cluster.until(() => isAtRest(second) && second.tasks().length === 4)
  await cluster.publish(lines(30))
  await cluster.world.clock.advance(15_000)
  cluster.world.wire.heal()
  await cluster.until(() => isAtRest(first, second) && first.tasks().length === 2)
  await cluster.until(() => isAtRest(first, second) && countedBy(first, second) === 120)
  await cluster.world.clock.advance(1_000)
  await cluster.finish(Promise.all([first.close(), second.close()]))
  assert.deepEqual(await cluster.counts(), countsOf([...lines(30), ...lines(30)]))
  await cluster.close()
})

test('whatever happens to instances, each record is counted exactly once', async () => {
  for (const seed of [21, 22, 23]) await history(seed)
})

/** Instances come, go and crash by chance while lines are published. */
async function history(seed: number): Promise<void> {
  const cluster = await SimulatedCluster.start(seed, { weather: { cutChance: 0.005 } })
  const { random } = cluster.world
  await cluster.makeTopics(2)
  const alive: { machine: string; app: KafkaStreams }[] = []
  let machines = 0
  const add = async () => {
    const machine = `m${machines++}`
    const app = cluster.instance(machine, once)
    alive.push({ machine, app })
    await cluster.finish(app.start())
  }
  await add()
  for (let i = 0; i < 60; i += 15) {
    await cluster.publish(lines(60).slice(i, i + 15))
    const dice = random.int(3)
    if (dice === 0 || alive.length === 0) await add()
    else {
      const [leaving] = alive.splice(random.int(alive.length), 1)
      if (dice === 1) cluster.world.machine(leaving!.machine).crash()
      else await cluster.finish(leaving!.app.close())
    }
    await cluster.world.clock.advance(random.int(6_000))
  }
  if (alive.length === 0) await add()
  await cluster.world.clock.advance(40_000)
  await cluster.finish(Promise.all(alive.map(({ app }) => app.close())))
  assert.deepEqual(await cluster.counts(), countsOf(lines(60)), `seed ${seed}`)
  await cluster.close()
}
