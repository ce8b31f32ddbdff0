/** What streams groups do as time goes by, and over a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placesIn } from '../topic-partitions.ts'
import { StreamsActor } from './testing/streams-actor.ts'
import { StreamsHost } from './testing/streams-host.ts'

async function started(settings: Parameters<typeof StreamsHost.start>[0] = {}): Promise<StreamsHost> {
  const host = await StreamsHost.start(settings)
  host.topic('lines', 4)
  return host
}

test('a restart is no rebalance: epochs, tasks and topology are there again, and heartbeats go on', async () => {
  const host = await started({ numStandbyReplicas: 1 })
  const actors = ['a', 'b'].map(id => new StreamsActor(host, id, `process of ${id}`))
  for (let i = 0; i < 3; i++) for (const actor of actors) await actor.beat()
  const { epoch, targetEpoch, topology, members } = host.group!
  const working = actors.map(actor => actor.working)
  await host.host.crash()
  for (const actor of actors) assert.equal(await host.finish(actor.beatOnce()), 0)
  assert.deepEqual([host.group!.epoch, host.group!.targetEpoch, host.group!.state], [epoch, targetEpoch, 'Stable'])
  assert.deepEqual(host.group!.topology, topology)
  assert.deepEqual(host.group!.members, members)
  assert.deepEqual(
    actors.map(actor => actor.working),
    working,
  )
  await host.host.stop()
})

test('a member that is silent for a session is given up, and its tasks go to the others', async () => {
  const host = await started()
  const [one, two] = ['a', 'b'].map(id => new StreamsActor(host, id, id))
  for (let i = 0; i < 3; i++) for (const actor of [one!, two!]) await actor.beat()
  assert.equal(placesIn(one!.working), 4)
  for (let i = 0; i < 10; i++) {
    await host.pass(5_000)
    await one!.beat()
  }
  assert.deepEqual([...host.group!.members.keys()], ['a'])
  assert.equal(placesIn(one!.working), 8)
  assert.equal(await host.finish(two!.beatOnce()), 25)
  await host.host.stop()
})

test('a member that does not give up its tasks in time is given up itself', async () => {
  const host = await started()
  const one = new StreamsActor(host, 'a', 'a')
  await one.beat()
  const two = new StreamsActor(host, 'b', 'b')
  await two.beat()
  // It hears what it must give up, and says nothing of it.
  for (let i = 0; i < 13; i++) {
    await host.pass(5_000)
    await two.beat()
    await host.finish(one.beatOnce().then(() => one.keepQuiet()))
  }
  assert.equal(placesIn(two.working), 8)
  await host.host.stop()
})

test('the first members wait for more, and then each has its share at once', async () => {
  const host = await started({ initialRebalanceDelayMs: 3_000 })
  const actors = ['a', 'b'].map(id => new StreamsActor(host, id, id))
  for (const actor of actors) await actor.beat()
  for (const actor of actors) assert.equal(placesIn(actor.working), 0)
  assert.equal(host.group!.state, 'Assigning')
  await host.pass(3_100)
  for (const actor of actors) await actor.beat()
  for (const actor of actors) assert.equal(placesIn(actor.working), 4)
  assert.equal(host.group!.state, 'Stable')
  await host.host.stop()
})

test('more partitions and more standbys are dealt with the next heartbeat', async () => {
  const host = await started()
  const actors = ['a', 'b'].map(id => new StreamsActor(host, id, id))
  for (let i = 0; i < 3; i++) for (const actor of actors) await actor.beat()
  const { epoch } = host.group!
  host.settings = { ...host.settings, numStandbyReplicas: 1 }
  for (let i = 0; i < 3; i++) for (const actor of actors) await actor.beat()
  assert.equal(host.group!.epoch, epoch + 1)
  for (const actor of actors) assert.ok(placesIn(actor.working) > 4)
  await host.host.stop()
})
