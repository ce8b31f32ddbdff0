/** Memory, backpressure, streams, flushing, aborting and closing. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { ErrorCodes, Produce } from '@odradek/protocol'
import { sendChannel } from '../diagnostics.ts'
import { refusal, refuseOnce } from '../testing/refusal.ts'
import { simulated } from '../testing/simulated-cluster.ts'

const records = (count: number) => Array.from({ length: count }, (_, i) => ({ value: String(i).padStart(100, '0') }))
const values = (count: number) => records(count).map(({ value }) => value)

test('a full buffer makes senders wait, first come first served, however large their records are', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ bufferBytes: 2_000, batchBytes: 500 })
    const order: number[] = []
    const sizes = [100, 100, 1_800, 10, 10, 3_000, 10, 100, 100]
    const sends = sizes.map((size, i) =>
      producer.send('t', { value: String(i).padEnd(size) }).then(() => {
        order.push(i)
      }),
    )
    await run(Promise.all(sends))
    assert.deepEqual(order, [...sizes.keys()])
    assert.deepEqual(cluster.partition('t').values().map(Number), [...sizes.keys()])
  })
})

test('enqueue says when the buffer is full, and ready when it has room again', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ bufferBytes: 1_000 })
    const answers = records(12).map(record => producer.enqueue('t', record))
    assert.equal(answers[0], true)
    assert.equal(answers.at(-1), false)
    await run(producer.ready)
    assert.equal(producer.enqueue('t', { value: 'more' }), true)
    await run(producer.flush())
    assert.equal(cluster.partition('t').end, 13)
  })
})

test('sendAll takes lists and streams, holds no more than the buffer, and sums up where records went', async () => {
  await simulated({ topics: { t: 2 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ bufferBytes: 10_000, batchBytes: 2_000 })
    let taken = 0
    let most = 0
    async function* source() {
      for (const record of records(1_000)) {
        taken++
        const acknowledged = cluster.partition('t', 0).end + cluster.partition('t', 1).end
        most = Math.max(most, taken - acknowledged)
        yield { ...record, partition: taken % 2 }
      }
    }
    const { count, partitions } = await run(producer.sendAll('t', source()))
    assert.equal(count, 1_000)
    assert.ok(most <= 110, `${most} records were held`)
    const lines = partitions.toSorted((a, b) => a.partition - b.partition)
    assert.deepEqual(lines, [
      { topic: 't', partition: 0, count: 500, firstOffset: 0, lastOffset: 499 },
      { topic: 't', partition: 1, count: 500, firstOffset: 0, lastOffset: 499 },
    ])
    assert.equal((await run(producer.sendAll('t', []))).count, 0)
  })
})

test('sendAll throws the first failure and takes no more', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ bufferBytes: 5_000, batchBytes: 1_000 })
    let taken = 0
    function* source() {
      for (const record of records(10_000)) {
        taken++
        yield record
      }
    }
    cluster.on(Produce, request => refusal(request, ErrorCodes.TOPIC_AUTHORIZATION_FAILED))
    await assert.rejects(run(producer.sendAll('t', source())), { code: 'TOPIC_AUTHORIZATION_FAILED' })
    assert.ok(taken < 200, `${taken} records were taken`)
  })
})

test('a sink writes what a pipeline brings and ends when all of it is delivered', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ bufferBytes: 3_000 })
    await run(pipeline(Readable.from(records(500)), producer.sink('t')))
    assert.deepEqual(cluster.partition('t').values(), values(500))
  })
})

test('flush waits for what was sent before it, not for what comes after', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: 'x' }))
    for (const record of records(10)) producer.enqueue('t', record)
    let isBusy = true
    const keepSending = () => {
      if (!isBusy) return
      producer.enqueue('t', { value: 'y' })
      world.clock.timer(0.5, keepSending)
    }
    keepSending()
    await run(producer.flush())
    isBusy = false
    assert.ok(cluster.partition('t').end >= 11)
  })
})

test('failures of records that nobody waits for are thrown by flush', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    const refuse = () => refuseOnce(cluster, ErrorCodes.INVALID_RECORD)
    refuse()
    producer.enqueue('t', { value: 'x' })
    await assert.rejects(run(producer.flush()), { code: 'INVALID_RECORD' })
    await run(producer.flush())
    refuse()
    for (const record of records(3)) producer.enqueue('t', record)
    await assert.rejects(run(producer.flush()), {
      name: 'AggregateError',
      message: /^3 records could not be delivered/,
    })
  })
})

test('an abort ends the waiting at once; a record that still waits for memory is not sent', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ bufferBytes: 100 })
    const controller = new AbortController()
    const { signal } = controller
    const sends = ['first'.padEnd(200), 'second', 'third'].map((value, i) =>
      producer.send('t', { value }, i === 1 ? { signal } : {}),
    )
    controller.abort(new Error('enough'))
    const results = await run(Promise.allSettled(sends))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((results[1] as PromiseRejectedResult).reason.message, 'enough')
    assert.deepEqual(
      cluster
        .partition('t')
        .values()
        .map(v => v.trim()),
      ['first', 'third'],
    )
    await assert.rejects(run(producer.send('t', { value: 'x' }, { signal })), /enough/)
    await run(producer.flush())
  })
})

test('flush can be left, and close with a signal gives up what is not delivered by then', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: '0' }))
    cluster.on(Produce, () => 'silence')
    const stuck = assert.rejects(producer.send('t', { value: '1' }), /producer is closed/)
    const given = (ms: number) => {
      const controller = new AbortController()
      world.clock.timer(ms, () => controller.abort(new Error('in time')))
      return { signal: controller.signal }
    }
    await assert.rejects(run(producer.flush(given(500))), /in time/)
    await assert.rejects(run(producer.close(given(500))), /in time/)
    await stuck
  })
})

test('close delivers what there is; afterwards sending is refused', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ lingerMs: 60_000 })
    const sends = Promise.all(records(10).map(record => producer.send('t', record)))
    await run(producer.close())
    assert.equal((await sends).length, 10)
    assert.equal(cluster.partition('t').end, 10)
    await assert.rejects(run(producer.send('t', { value: 'x' })), { code: 'USAGE', message: /producer is closed/ })
  })
})

test('closing the handle closes its producers first', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    kafka.producer().enqueue('t', { value: 'x' })
    await run(kafka.close())
    assert.equal(cluster.partition('t').end, 1)
    assert.throws(() => kafka.producer(), { code: 'USAGE' })
  })
})

test('whoever traces sends sees each one, and may add headers', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const seen: string[] = []
    const subscribers = {
      start: (message: any) => {
        seen.push(`start ${message.topic}`)
        message.record.headers = { ...message.record.headers, traceparent: '00-1' }
      },
      asyncEnd: (message: any) => seen.push(`end ${message.result?.offset}`),
      error: (message: any) => seen.push(`error ${message.error.code}`),
      end: () => {},
      asyncStart: () => {},
    }
    sendChannel.subscribe(subscribers)
    try {
      const producer = kafka.producer()
      await run(producer.send('t', { value: 'x' }))
      await assert.rejects(run(producer.send('t', { value: 'x', partition: 5 })))
    } finally {
      sendChannel.unsubscribe(subscribers)
    }
    assert.deepEqual(seen.slice(0, 2), ['start t', 'end 0'])
    assert.ok(seen.includes('error USAGE'))
    assert.deepEqual(
      [...cluster.partition('t').records()[0]!.headers].map(([name]) => name),
      ['traceparent'],
    )
  })
})

test('a signal ends the closing of a producer that is under way, or of its handle: what is undelivered fails', async () => {
  for (const hurried of ['producer', 'handle']) {
    await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run, world }) => {
      const producer = kafka.producer()
      cluster.on(Produce, () => 'silence')
      const sent = assert.rejects(producer.send('t', { value: 'a' }), { code: 'USAGE' })
      const enough = new Error('enough')
      const closing = assert.rejects(hurried === 'producer' ? producer.close() : kafka.close(), enough)
      const before = world.clock.monotonic()
      const signal = AbortSignal.abort(enough)
      const again = assert.rejects(
        hurried === 'producer' ? producer.close({ signal }) : kafka.close({ signal }),
        enough,
      )
      await run(Promise.all([sent, closing, again]))
      assert.ok(world.clock.monotonic() - before < 1_000)
    })
  }
})
