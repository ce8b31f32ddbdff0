/** The bar: a rebalance of 50 members has settled after two heartbeats of each, and nobody stops who keeps its partitions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placesIn } from '../topic-partitions.ts'
import { ConsumerHost } from './testing/consumer-host.ts'
import { MemberActor } from './testing/member-actor.ts'

const members = 50
const partitions = 200

async function settledFifty(): Promise<{ host: ConsumerHost; actors: MemberActor[] }> {
  const host = await ConsumerHost.start()
  host.topic('t', partitions)
  const actors = Array.from(
    { length: members },
    (_, i) => new MemberActor(host, `member-${String(i).padStart(2, '0')}`),
  )
  for (const actor of actors) await actor.beat()
  return { host, actors }
}

/** Heartbeat intervals until everybody is where he shall be. */
async function intervalsToSettle(host: ConsumerHost, actors: readonly MemberActor[]): Promise<number> {
  for (let intervals = 0; ; intervals++) {
    const working = actors.reduce((sum, actor) => sum + placesIn(actor.working), 0)
    if (host.group!.state === 'Stable' && working === partitions) return intervals
    assert.ok(intervals < 10, 'never settles')
    await host.pass(host.settings.heartbeatIntervalMs)
    for (const actor of actors) {
      await actor.beat()
      host.check()
    }
  }
}

test('50 members that join at once have settled after two heartbeats', async () => {
  const { host, actors } = await settledFifty()
  const intervals = await intervalsToSettle(host, actors)
  assert.ok(intervals <= 2, `${intervals} heartbeats`)
  for (const actor of actors) assert.equal(placesIn(actor.working), partitions / members)
})

for (const [what, change] of Object.entries({
  'one more joins': async (host: ConsumerHost, actors: MemberActor[]) => {
    const actor = new MemberActor(host, 'newcomer')
    actors.push(actor)
    await actor.beat()
  },
  'one leaves': async (_: ConsumerHost, actors: MemberActor[]) => {
    await actors.splice(7, 1)[0]!.leave()
  },
  'ten leave and ten others join': async (host: ConsumerHost, actors: MemberActor[]) => {
    for (const actor of actors.splice(0, 10)) await actor.leave()
    for (let i = 0; i < 10; i++) {
      actors.push(new MemberActor(host, `newcomer-${i}`))
      await actors.at(-1)!.beat()
    }
  },
}))
  test(`when ${what}, two heartbeats settle it, and nobody stops what he keeps`, async () => {
    const { host, actors } = await settledFifty()
    await intervalsToSettle(host, actors)
    const before = new Map(actors.map(actor => [actor, { working: actor.working, stops: actor.stops.length }]))
    await change(host, actors)
    const intervals = await intervalsToSettle(host, actors)
    assert.ok(intervals <= 2, `${intervals} heartbeats`)
    let moved = 0
    for (const [actor, { working, stops }] of before) {
      if (!actors.includes(actor)) continue
      const keeps = [...working].flatMap(([topicId, has]) =>
        [...has]
          .filter(partition => actor.working.get(topicId)?.has(partition))
          .map(partition => `${topicId}-${partition}`),
      )
      const stopped = actor.stops.slice(stops)
      for (const place of keeps) assert.ok(!stopped.includes(place), `${actor.id} stopped ${place}, and has it again`)
      moved += stopped.length
    }
    // What moves away from somebody who stays is what newcomers get, and no more.
    assert.ok(moved <= 10 * 4, `${moved} partitions moved`)
  })

test('a restart in between changes nothing: members go on in their epochs', async () => {
  const { host, actors } = await settledFifty()
  await intervalsToSettle(host, actors)
  const epochs = actors.map(({ epoch }) => epoch)
  await host.host.restart()
  assert.equal(host.group!.state, 'Stable')
  for (const actor of actors) await actor.beat()
  assert.deepEqual(
    actors.map(({ epoch }) => epoch),
    epochs,
  )
  assert.equal(host.group!.epoch, host.group!.targetEpoch)
})
