import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShareAcknowledge, ShareFetch } from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { append, play } from '../testing/engine-scene.ts'
import { ShareBroker } from '../testing/share-broker.ts'

const records = 60

/** Breaks connections before and after requests are looked at, forgets sessions, lets locks pass. */
async function troubled(seed: number): Promise<{ worked: number[]; accepted: number[]; told: Map<number, string[]> }> {
  const worked: number[] = []
  const told = new Map<number, string[]>()
  let accepted: number[] = []
  await play({ seed, kafka: { requestTimeoutMs: 5_000 } }, async ({ cluster, kafka, run, world }) => {
    for (let i = 0; i < records; i++) append(cluster, `${i}`)
    const share = new ShareBroker(cluster, world.clock)
    accepted = share.accepted
    const chance = (percent: number) => world.random.int(100) < percent
    let isCalm = false
    const maybe = async <T>(handle: () => T | Promise<T>): Promise<T | 'hang-up'> => {
      if (isCalm) return handle()
      if (chance(5)) return 'hang-up'
      if (chance(3)) share.epoch = 77
      if (chance(10)) for (const offset of share.acquired.keys()) if (chance(20)) share.expire(offset)
      const answer = await handle()
      return chance(5) ? 'hang-up' : answer
    }
    cluster.on(ShareFetch, request => maybe(() => share.fetch(request)))
    cluster.on(ShareAcknowledge, request => maybe(() => share.acknowledge(request)))
    const queue = kafka.queue({ group: 'g', topics: ['t'], maxInFlight: 12, maxWaitMs: 100 })
    const running = queue.run(
      async record => {
        worked.push(record.offset)
        await sleep(world.clock, world.random.int(200))
        const outcome = record.ack().then(
          () => 'taken',
          error => error.code as string,
        )
        void outcome.then(how => told.set(record.offset, [...(told.get(record.offset) ?? []), how]))
      },
      { concurrency: 5 },
    )
    await world.clock.advance(30_000)
    isCalm = true
    for (let i = 0; i < 200 && !share.isDone; i++) await world.clock.advance(1_000)
    assert(share.isDone, `${share.log.slice(-5).join(' ')}`)
    await run(queue.close())
    await run(running)
  })
  return { worked, accepted, told }
}

test('whatever breaks, every record is worked on and accepted once, and nobody is told so who was not', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const { worked, accepted, told } = await troubled(seed)
    const all = Array.from({ length: records }, (_, i) => i)
    assert.deepEqual(
      accepted.toSorted((a, b) => a - b),
      all,
      `seed ${seed}: accepted`,
    )
    assert.deepEqual(
      [...new Set(worked)].toSorted((a, b) => a - b),
      all,
      `seed ${seed}: worked on`,
    )
    for (const [offset, outcomes] of told) {
      const taken = outcomes.filter(how => how === 'taken').length
      assert(taken <= 1, `seed ${seed}: ${offset} was acknowledged ${taken} times`)
    }
  }
})
