/**
 * A Kafka Streams application of Apache Kafka's own library with `group.protocol=streams`, exactly once, against our broker: it counts
 * words while instances come, are killed and leave, and while the broker restarts. What it counted must be what was written.
 *
 *     node test/conformance/java-streams/run.ts
 *
 * Where Java or Maven are missing it says so, and is done.
 */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { builtApplication } from './application.ts'
import { type Group, Scene } from './scene.ts'

const application = await builtApplication()
if (typeof application === 'string') console.log(`skipped: ${application}`)
else await run(await Scene.start(application.classPath))

async function run(scene: Scene): Promise<void> {
  try {
    await tasksMove(scene)
    await brokerRestarts(scene)
    await instanceDies(scene)
    for (const instance of scene.instances) await instance.stop()
    assert.equal((await scene.described()).groupState, 'Empty')
    const words = [...scene.written.values()].reduce((sum, count) => sum + count, 0)
    console.log(`pass: ${words} words, counted exactly`)
  } catch (error) {
    scene.tellAll()
    throw error
  } finally {
    await scene.close()
  }
}

async function tasksMove(scene: Scene): Promise<void> {
  const one = scene.instance('one')
  await scene.write(0, 1000)
  await until('one instance counts', () => scene.isCounted())
  const alone = await scene.described()
  assert.equal(alone.members.length, 2)
  assert.equal(tasksOf(alone, 'activeTasks'), 8)
  scene.instance('two')
  const [both] = await Promise.all([
    until('two instances share the tasks', () => scene.isShared()),
    scene.write(1000, 3000),
  ])
  assert.equal(tasksOf(both, 'activeTasks'), 8)
  assert.equal(tasksOf(both, 'standbyTasks'), 4, 'a copy of each task that keeps state')
  await until('nothing was lost or counted twice on the way', () => scene.isCounted())
  await until('each instance knows where all partitions are', () => {
    one.ask()
    return one.lines.some(line => /^client 7001 active [1-9]/.test(line))
  })
}

async function brokerRestarts(scene: Scene): Promise<void> {
  const before = await scene.described()
  await scene.restartBroker()
  await scene.write(3000, 5000)
  await until('they count on after a restart of the broker', () => scene.isCounted())
  assert.equal((await scene.described()).groupEpoch, before.groupEpoch, 'a restart is no rebalance')
}

async function instanceDies(scene: Scene): Promise<void> {
  await scene.instances[0]!.kill()
  await scene.write(5000, 7000)
  await until('the other goes on where the killed one was', () => scene.isCounted())
  const left = await scene.described()
  assert.equal(left.members.length, 2)
  assert.equal(tasksOf(left, 'activeTasks'), 8)
  scene.instance('one')
  await until('it comes back with the state it had', () => scene.isShared())
  await scene.write(7000, 8000)
  await until('and all are counted', () => scene.isCounted())
}

function tasksOf({ members }: Group, role: 'activeTasks' | 'standbyTasks'): number {
  const all = members.flatMap(({ assignment }) => assignment[role].flatMap(({ partitions }) => partitions))
  return all.length
}

/** With how long it took. */
async function until<T>(what: string, isSo: () => T | false | Promise<T | false>, withinMs = 90_000): Promise<T> {
  const start = performance.now()
  for (;;) {
    const answer = await isSo()
    const took = performance.now() - start
    if (answer) {
      console.log(`${(took / 1000).toFixed(1).padStart(6)} s  ${what}`)
      return answer
    }
    assert.ok(took < withinMs, `not within ${withinMs / 1000} s: ${what}`)
    await wait(200)
  }
}
