import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, ShareAcknowledge, ShareFetch, ShareGroupHeartbeat } from '@odradek/protocol'
import type { Queue, QueueRecord } from '../index.ts'
import { append, play, type Scene } from '../testing/engine-scene.ts'
import { ShareBroker } from '../testing/share-broker.ts'
import type { QueueOptions } from './queue-options.ts'

interface QueueScene extends Omit<Scene, 'take'> {
  readonly share: ShareBroker
  queue(options?: Partial<QueueOptions<string>>): Queue<string>
  /** The next records of a loop. */
  take(reading: AsyncIterator<QueueRecord>, count: number): Promise<QueueRecord[]>
}

async function playQueue(values: number, part: (scene: QueueScene) => Promise<void>): Promise<void> {
  await play({ kafka: { requestTimeoutMs: 10_000 } }, async scene => {
    for (let i = 0; i < values; i++) append(scene.cluster, `${i}`)
    await part({
      ...scene,
      share: new ShareBroker(scene.cluster, scene.world.clock),
      queue: (options = {}) => scene.kafka.queue({ group: 'g', topics: ['t'], ...options }),
      async take(reading, count) {
        const taken: QueueRecord[] = []
        while (taken.length < count) taken.push((await scene.run(reading.next())).value!)
        return taken
      },
    })
  })
}

const name = ({ offset, deliveryCount }: QueueRecord) => `${offset}/${deliveryCount}`
/** Names what becomes of a promise, for several at once. */
const outcome = (promise: Promise<void>) =>
  promise.then(
    () => 'taken',
    error => error.code as string,
  )

test('acknowledgements made together travel together, on the next fetch when there is room', async () => {
  await playQueue(20, async ({ share, queue, take, run }) => {
    const records = await take(queue().records(), 10)
    assert.deepEqual(records.map(name).slice(0, 2), ['0/1', '1/1'])
    await run(Promise.all(records.map(record => record.ack())))
    assert.deepEqual(
      share.log.filter(line => line.startsWith('acks')),
      ['acks 0:1,1:1,2:1,3:1,4:1,5:1,6:1,7:1,8:1,9:1'],
    )
    assert.equal(
      share.log.some(line => line.startsWith('fetch 16') && line.endsWith('+acks')),
      true,
      `${share.log}`,
    )
  })
})

test('a lock that has passed spoils only its own acknowledgement', async () => {
  await playQueue(7, async ({ share, queue, take, run }) => {
    const records = await take(queue({ maxInFlight: 7 }).records(), 7)
    share.expire(3)
    const outcomes = await run(Promise.all(records.map(record => outcome(record.ack()))))
    assert.deepEqual(outcomes, ['taken', 'taken', 'taken', 'INVALID_RECORD_STATE', 'taken', 'taken', 'taken'])
  })
})

test('whoever is given a record again has lost it before, and cannot acknowledge it as before', async () => {
  await playQueue(2, async ({ share, queue, take, run, world }) => {
    const reading = queue().records()
    const [record] = await take(reading, 2)
    share.expire(0)
    await world.clock.advance(100)
    assert.equal(await run(outcome(record!.ack())), 'INVALID_RECORD_STATE')
    const [again] = await take(reading, 1)
    assert.equal(name(again!), '0/2')
    await run(again!.ack())
  })
})

test('what is given again by a broker that was started anew supersedes what it has forgotten', async () => {
  await playQueue(1, async ({ share, queue, take, run }) => {
    const reading = queue({ maxInFlight: 5 }).records()
    const [first] = await take(reading, 1)
    share.restart()
    const [again] = await take(reading, 1)
    assert.deepEqual([again!.offset, again!.deliveryCount], [0, 1])
    assert.equal(await run(outcome(first!.ack())), 'INVALID_RECORD_STATE')
    assert.equal(await run(outcome(again!.ack())), 'taken')
    assert.deepEqual(share.accepted, [0])
  })
})

test('when our clock says that the lock has passed nobody is asked, for the record may be ours anew', async () => {
  await playQueue(1, async ({ share, queue, take, run, world }) => {
    const reading = queue().records()
    const [record] = await take(reading, 1)
    await world.clock.advance(30_500)
    share.expire(0)
    assert.equal(await run(outcome(record!.ack())), 'INVALID_RECORD_STATE')
    assert.deepEqual((await take(reading, 1)).map(name), ['0/2'])
    assert.equal(
      share.log.some(line => line.startsWith('acks')),
      false,
    )
  })
})

test('an acknowledgement that waited until its lock had passed is not said, for the record may be ours anew', async () => {
  await playQueue(1, async ({ cluster, share, queue, take, run, world }) => {
    const reading = queue({ maxInFlight: 5 }).records()
    const [first] = await take(reading, 1)
    let isAway = true
    cluster.on(ShareFetch, request => (isAway ? 'hang-up' : share.fetch(request)))
    share.epoch = 77
    const told = outcome(first!.reject())
    await world.clock.advance(30_500)
    share.expire(0)
    isAway = false
    const [again] = await take(reading, 1)
    assert.deepEqual([again!.offset, again!.deliveryCount], [0, 2])
    assert.equal(await run(told), 'INVALID_RECORD_STATE')
    assert.deepEqual(share.accepted, [])
    assert.equal(await run(outcome(again!.ack())), 'taken')
  })
})

test('an acknowledgement that waits is answered, also when the record is damaged when it comes anew', async () => {
  await playQueue(1, async ({ cluster, share, queue, take, run, world }) => {
    const [first] = await take(queue({ maxInFlight: 5 }).records(), 1)
    share.epoch = 77
    const bytes = cluster.partition('t').batches[0]!
    bytes[bytes.length - 1]! ^= 1
    assert.equal(await run(outcome(first!.ack())), 'INVALID_RECORD_STATE')
    await world.clock.advance(200)
    assert.deepEqual(
      share.log.filter(line => line.startsWith('acks')),
      ['acks 0:3'],
    )
  })
})

test('records that wait for their turn keep their locks, and so do those whose handlers work', async () => {
  await playQueue(3, async ({ share, queue, run, world }) => {
    const gate = Promise.withResolvers<void>()
    const q = queue()
    const running = q.run(() => gate.promise)
    await world.clock.advance(50_000)
    const renewals = share.log.filter(line => line.startsWith('acks'))
    assert.deepEqual(renewals.slice(0, 2), ['acks 0:4,1:4,2:4', 'acks 0:4,1:4,2:4'])
    gate.resolve()
    await world.clock.advance(1_000)
    assert.equal(share.acquired.size, 0)
    await run(q.close())
    await run(running)
  })
})

test('where brokers do not renew, what waits too long for its turn goes back', async () => {
  await playQueue(3, async ({ cluster, share, queue, take, run, world }) => {
    for (const api of [ShareFetch, ShareAcknowledge]) cluster.nodes[0]!.offers(api, 1, 1)
    const reading = queue().records()
    const [record] = await take(reading, 1)
    await world.clock.advance(15_500)
    assert.equal(share.log.includes('acks 1:2,2:2'), true, `${share.log}`)
    await assert.rejects(record!.renew(), { code: 'USAGE', message: /does not renew/ })
    await run(record!.ack())
    assert.deepEqual((await take(reading, 2)).map(name), ['1/2', '2/2'])
  })
})

test('an acknowledgement is not stuck behind a fetch that waits', async () => {
  await playQueue(1, async ({ queue, take, run, world }) => {
    const [record] = await take(queue({ maxWaitMs: 5_000 }).records(), 1)
    await world.clock.advance(1_000)
    const before = world.clock.monotonic()
    await run(record!.ack())
    assert.equal(world.clock.monotonic() - before < 100, true)
  })
})

test('a session that the broker has forgotten is begun anew, and acknowledgements are sent again', async () => {
  await playQueue(2, async ({ share, queue, take, run }) => {
    const [first] = await take(queue({ maxInFlight: 1 }).records(), 1)
    share.epoch = 77
    share.keepsLocks = true
    assert.equal(await run(outcome(first!.ack())), 'taken')
  })
})

test('when the connection breaks nobody knows about acknowledgements under way; what had not been handed out comes anew', async () => {
  await playQueue(3, async ({ cluster, queue, take, run }) => {
    const reading = queue({ maxInFlight: 3 }).records()
    const [record] = await take(reading, 1)
    cluster.once(ShareFetch, () => 'hang-up')
    cluster.once(ShareAcknowledge, () => 'hang-up')
    assert.match(await run(outcome(record!.ack())), /CONNECTION|TIMEOUT/)
    assert.deepEqual((await take(reading, 3)).map(name), ['0/2', '1/2', '2/2'])
  })
})

test('a member that is fenced joins again', async () => {
  await playQueue(2, async ({ cluster, share, queue, take, run, world }) => {
    const reading = queue({ maxInFlight: 1 }).records()
    const [record] = await take(reading, 1)
    cluster.once(ShareGroupHeartbeat, () => ({
      errorCode: ErrorCodes.FENCED_MEMBER_EPOCH,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    }))
    await world.clock.advance(6_000)
    await run(record!.ack())
    assert.deepEqual((await take(reading, 1)).map(name), ['1/1'])
    assert.equal(share.log.filter(line => line === 'join').length, 2)
  })
})

test('closing sends what was acknowledged, gives back the rest and leaves the group', async () => {
  await playQueue(3, async ({ share, queue, take, run }) => {
    const q = queue()
    const records = await take(q.records(), 2)
    const acked = outcome(records[0]!.ack())
    await run(q.close())
    assert.equal(await acked, 'taken')
    assert.equal(share.acquired.size, 0)
    assert.deepEqual(share.log.slice(-2), ['end', 'leave'])
    await assert.rejects(records[1]!.ack(), { code: 'INVALID_RECORD_STATE' })
    await assert.rejects(q.records().next(), { code: 'USAGE', message: /closed/ })
  })
})

test('a handler is waited for whatever makes its promise', async () => {
  await playQueue(2, async ({ share, queue, run, world }) => {
    const q = queue()
    let works = 0
    // Such are the queries of query builders: nothing happens before somebody waits.
    const lazy = {
      // biome-ignore lint/suspicious/noThenProperty: what is not a Promise has one, too
      then(resolve: () => void) {
        works++
        world.clock.timer(1_000, resolve)
      },
    } as Promise<void>
    const running = q.run(() => lazy)
    await world.clock.advance(900)
    assert.deepEqual([works, share.accepted], [1, []])
    await world.clock.advance(2_000)
    assert.deepEqual([works, share.accepted], [2, [0, 1]])
    await run(q.close())
    await run(running)
  })
})

test('when onError itself fails the record goes back, no handler begins any more, and those under way are waited for', async () => {
  await playQueue(3, async ({ share, queue, run, world }) => {
    const q = queue({ maxInFlight: 3 })
    const gate = Promise.withResolvers<void>()
    const begun: number[] = []
    const work = ({ offset }: QueueRecord) => {
      begun.push(offset)
      if (offset === 0) throw new Error('no such customer')
      return gate.promise
    }
    const onError = () => {
      throw new Error('the table of errors is full')
    }
    await assert.rejects(run(q.run(work, { concurrency: 2, onError })), /table of errors/)
    assert.deepEqual(begun, [0, 1])
    const closing = q.close()
    await world.clock.advance(1_000)
    assert.equal(share.log.includes('end'), false, 'the handler is under way')
    gate.resolve()
    await run(closing)
    assert.deepEqual([begun, share.accepted], [[0, 1], [1]])
    assert.equal(share.log.includes('acks 0:2'), true, `${share.log}`)
  })
})

test('a broker without share groups is told of in a sentence', async () => {
  await playQueue(1, async ({ cluster, queue, run }) => {
    const node = cluster.nodes[0]!
    node.ranges = node.ranges.filter(({ apiKey }) => apiKey !== ShareGroupHeartbeat.key)
    await assert.rejects(run(queue().records().next()), { code: 'UNSUPPORTED_VERSION', message: /share groups/ })
  })
})

test('options that cannot be are told in a sentence', async () => {
  await playQueue(0, async ({ kafka, queue }) => {
    assert.throws(() => kafka.queue({ group: '', topics: ['t'] }), { code: 'USAGE', message: /`group`/ })
    assert.throws(() => kafka.queue({ group: 'g', topics: [] }), { code: 'USAGE', message: /`topics`/ })
    assert.throws(() => queue({ maxInFlight: 0 }), { message: /maxInFlight/ })
    assert.throws(() => queue({ max: 3 } as object), { message: /no option 'max'/ })
    await assert.rejects(
      queue().run(() => {}, { concurrency: 0 }),
      { message: /concurrency/ },
    )
  })
})
