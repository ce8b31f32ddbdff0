/** What a producer does when brokers refuse, lose, forget, move or vanish. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, InitProducerId, Produce, readBatch } from '@odradek/protocol'
import { refusal, refuseOnce } from '../testing/refusal.ts'
import { simulated } from '../testing/simulated-cluster.ts'

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => String(from + i))

test('a failure that passes is retried without loss, repetition or change of order', async () => {
  for (const code of [
    ErrorCodes.NOT_ENOUGH_REPLICAS,
    ErrorCodes.NOT_LEADER_OR_FOLLOWER,
    ErrorCodes.REQUEST_TIMED_OUT,
  ]) {
    await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
      const producer = kafka.producer({ batchBytes: 512 })
      refuseOnce(cluster, code)
      await run(Promise.all(numbers(500).map(value => producer.send('t', { value }))))
      assert.deepEqual(cluster.partition('t').values(), numbers(500))
    })
  }
})

test('an answer that was lost does not write a record twice', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ batchBytes: 512 })
    for (const lost of [2, 3]) {
      for (let i = 1; i < lost; i++) cluster.once(Produce, (request, call) => cluster.healthy(Produce, request, call))
      cluster.once(Produce, (request, call) => {
        cluster.healthy(Produce, request, call)
        return 'hang-up'
      })
    }
    const sent = await run(Promise.all(numbers(500).map(value => producer.send('t', { value }))))
    assert.deepEqual(cluster.partition('t').values(), numbers(500))
    assert.deepEqual(
      sent.map(({ offset }) => offset),
      numbers(500).map(Number),
    )
  })
})

test('when a leader moves, its records follow it', async () => {
  await simulated({ nodes: 2, topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: 'before' }))
    cluster.topics.get('t')!.leaders[0] = 1
    refuseOnce(cluster, ErrorCodes.NOT_LEADER_OR_FOLLOWER)
    await run(producer.send('t', { value: 'after' }))
    assert.equal(cluster.seen.at(-1)!.node, 1)
    assert.deepEqual(cluster.partition('t').values(), ['before', 'after'])
  })
})

test('a broker that goes away and comes back gets what was sent meanwhile', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: '0' }))
    await run(cluster.nodes[0]!.stop())
    const sends = Promise.all(numbers(5, 1).map(value => producer.send('t', { value })))
    await world.clock.advance(20_000)
    await cluster.nodes[0]!.listen()
    await run(sends)
    assert.deepEqual(cluster.partition('t').values(), numbers(6))
  })
})

test('sequences are restored when the broker has forgotten the producer (KIP-360, platformatic#310)', async () => {
  for (const code of [ErrorCodes.UNKNOWN_PRODUCER_ID, ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER]) {
    await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
      const producer = kafka.producer({ batchBytes: 512 })
      await run(producer.send('t', { value: '0' }))
      refuseOnce(cluster, code)
      await run(Promise.all(numbers(300, 1).map(value => producer.send('t', { value }))))
      assert.deepEqual(cluster.partition('t').values(), numbers(301))
      const epochs = cluster.partition('t').batches.map(bytes => readBatch(bytes).producerEpoch)
      assert.deepEqual([epochs[0], epochs.at(-1)], [0, 1])
      assert.equal(cluster.count(InitProducerId), 1)
    })
  }
})

test('a fenced producer id is replaced', async () => {
  await simulated({ topics: { t: 2 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: '0', partition: 0 }))
    refuseOnce(cluster, ErrorCodes.INVALID_PRODUCER_EPOCH)
    await run(producer.send('t', { value: '1', partition: 0 }))
    await run(producer.send('t', { value: '2', partition: 0 }))
    const ids = cluster.partition('t').batches.map(bytes => readBatch(bytes).producerId)
    assert.deepEqual(ids, [1000n, 1001n, 1001n])
  })
})

test('a record the broker refuses fails alone, and those behind it go on', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ batchBytes: 100 })
    refuseOnce(cluster, ErrorCodes.INVALID_TIMESTAMP)
    const results = await run(Promise.allSettled(numbers(20).map(value => producer.send('t', { value }))))
    const failed = results.filter(({ status }) => status === 'rejected').length
    assert.ok(failed > 0 && failed < 20)
    assert.equal((results[0] as PromiseRejectedResult).reason.code, 'INVALID_TIMESTAMP')
    assert.deepEqual(cluster.partition('t').values(), numbers(20 - failed, failed))
  })
})

test('of a refused batch, the record at fault is told from its bystanders', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    cluster.once(Produce, request => {
      const { responses } = refusal(request, ErrorCodes.INVALID_RECORD)
      const recordErrors = [{ batchIndex: 1, batchIndexErrorMessage: 'no key in a compacted topic' }]
      return {
        responses: responses.map(t => ({
          ...t,
          partitionResponses: t.partitionResponses.map(p => ({ ...p, recordErrors })),
        })),
      }
    })
    const results = await run(Promise.allSettled(['a', 'b', 'c'].map(value => producer.send('t', { value }))))
    const messages = results.map(result => (result as PromiseRejectedResult).reason.message)
    assert.match(messages[1], /no key in a compacted topic/)
    assert.match(messages[0], /another record of its batch/)
    assert.match(messages[2], /another record of its batch/)
  })
})

test('a batch that is too large is split until its parts pass, and later batches are made smaller', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ batchBytes: 8 * 1024 })
    cluster.on(Produce, (request, call) => {
      const size = request.topicData[0]!.partitionData[0]!.records!.length
      return size > 1_100 ? refusal(request, ErrorCodes.MESSAGE_TOO_LARGE) : cluster.healthy(Produce, request, call)
    })
    const sent = await run(Promise.all(numbers(2_000).map(value => producer.send('t', { value }))))
    assert.deepEqual(cluster.partition('t').values(), numbers(2_000))
    assert.deepEqual(
      sent.map(({ offset }) => offset),
      numbers(2_000).map(Number),
    )
    const large = producer.send('t', { value: 'x'.repeat(2_000) })
    await assert.rejects(run(large), { code: 'MESSAGE_TOO_LARGE', message: /max\.message\.bytes/ })
    assert.equal((await run(producer.send('t', { value: 'on' }))).offset, 2_000)
  })
})

test('a record that is not delivered in time fails, saying what stood in the way', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer({ deliveryTimeoutMs: 5_000 })
    await run(producer.send('t', { value: '0' }))
    await run(cluster.nodes[0]!.stop())
    const start = world.clock.monotonic()
    await assert.rejects(run(producer.send('t', { value: '1' })), {
      code: 'DELIVERY_TIMEOUT',
      message: /t-0 .* 5000 ms.*refused/s,
    })
    assert.ok(world.clock.monotonic() - start < 5_100)
    await cluster.nodes[0]!.listen()
    await run(producer.send('t', { value: '2' }))
    assert.deepEqual(cluster.partition('t').values(), ['0', '2'])
  })
})

test('a request that is never answered is sent again, and a record in flight still fails on time', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer({ deliveryTimeoutMs: 9_000, requestTimeoutMs: 4_000 })
    cluster.once(Produce, () => 'silence')
    assert.equal((await run(producer.send('t', { value: '0' }))).offset, 0)
    cluster.on(Produce, () => 'silence')
    const start = world.clock.monotonic()
    await assert.rejects(run(producer.send('t', { value: '1' })), { code: 'DELIVERY_TIMEOUT' })
    assert.ok(world.clock.monotonic() - start < 9_100)
  })
})

test('a topic that does not exist fails with how to make it; one the broker makes is used', async () => {
  await simulated({ kafka: {} }, async ({ kafka, run }) => {
    const producer = kafka.producer({ metadataTimeoutMs: 1_000 })
    await assert.rejects(run(producer.send('nope', { value: 'x' })), {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: /odradek topic create nope/,
    })
  })
  await simulated({ autoCreate: true }, async ({ kafka, run }) => {
    assert.equal((await run(kafka.producer().send('made', { value: 'x' }))).offset, 0)
    const shy = kafka.producer({ autoCreateTopics: false, metadataTimeoutMs: 1_000 })
    await assert.rejects(run(shy.send('other', { value: 'x' })), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

test('a topic that is deleted and made again is written to again', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: 'before' }))
    cluster.topics.delete('t')
    const late = producer.send('t', { value: 'after' })
    await world.clock.advance(5_000)
    assert.equal(kafka.cluster.topic('t'), undefined)
    cluster.addTopic('t', 1)
    assert.equal((await run(late)).offset, 0)
    assert.deepEqual(cluster.partition('t').values(), ['after'])
  })
})

test('a leader whose advertised address is wrong is told soon, a leader that was reached before is waited for', async () => {
  await simulated({ topics: { t: 1 }, kafka: { retryTimeoutMs: 3_000 } }, async ({ cluster, kafka, world, run }) => {
    const address = cluster.nodes[0]!.advertised
    cluster.nodes[0]!.advertised = { host: 'broker.internal', port: 9092 }
    const producer = kafka.producer()
    await assert.rejects(run(producer.send('t', { value: 'x' })), {
      message: /the address it advertises for node 0, broker\.internal:9092/,
    })
    assert.ok(world.clock.monotonic() < 6_000)
    cluster.nodes[0]!.advertised = address
    await run(kafka.cluster.refresh())
    assert.equal((await run(producer.send('t', { value: 'x' }))).offset, 0)
  })
})

test('a producer that may not have an id is told at once', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    cluster.on(InitProducerId, () => ({ errorCode: ErrorCodes.CLUSTER_AUTHORIZATION_FAILED, producerEpoch: -1 }))
    const sends = [1, 2].map(() => kafka.producer().send('t', { value: 'x' }))
    const results = await run(Promise.allSettled(sends))
    for (const result of results) assert.match((result as PromiseRejectedResult).reason.message, /idempotent: false/)
    assert.equal((await run(kafka.producer({ idempotent: false }).send('t', { value: 'x' }))).offset, 0)
  })
})

test('without sequence numbers order is still kept when a request has to be repeated', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ acks: 1, batchBytes: 256 })
    refuseOnce(cluster, ErrorCodes.NOT_LEADER_OR_FOLLOWER)
    await run(Promise.all(numbers(200).map(value => producer.send('t', { value }))))
    assert.deepEqual(cluster.partition('t').values(), numbers(200))
  })
})

test('records for a partition that the topic no longer has fail within seconds, and later ones go to those it has', async () => {
  await simulated({ topics: { t: 3 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(Promise.all([0, 1, 2].map(partition => producer.send('t', { value: 'before', partition }))))
    cluster.topics.delete('t')
    cluster.addTopic('t', 1)
    const before = world.clock.monotonic()
    await assert.rejects(run(producer.send('t', { value: 'lost', partition: 2 })), {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: /made again with 1 partition while/,
    })
    assert.ok(world.clock.monotonic() - before < 10_000)
    await run(Promise.all(numbers(9).map(key => producer.send('t', { key, value: key }))))
    assert.deepEqual(cluster.partition('t').values(), numbers(9))
  })
})

test('records for a topic that is deleted fail within seconds; made again, it is written to again', async () => {
  await simulated({ topics: { t: 1, u: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: 'before' }))
    cluster.topics.delete('t')
    const before = world.clock.monotonic()
    await assert.rejects(run(producer.send('t', { value: 'lost' })), {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: /deleted/,
    })
    assert.ok(world.clock.monotonic() - before < 10_000)
    cluster.addTopic('t', 2)
    await run(producer.send('t', { value: 'after', partition: 1 }))
    assert.deepEqual(cluster.partition('t', 1).values(), ['after'])
  })
})

test('a topic that is made again soon loses nothing that was waiting', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: 'before' }))
    cluster.topics.delete('t')
    const sending = producer.send('t', { value: 'waits' })
    await world.clock.advance(3_000)
    cluster.addTopic('t', 1)
    await run(sending)
    assert.deepEqual(cluster.partition('t').values(), ['waits'])
  })
})
