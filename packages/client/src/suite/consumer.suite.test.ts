/** What consumers do with any Kafka-compatible cluster: reading, committing what was processed, stopping, starting, replaying. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Consumer, type Kafka, serde, type Topic, topic } from '../index.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'

type Numbers = Topic<string, number>

suite('consumer', () => {
  let cluster: TestCluster
  let kafka: Kafka
  before(async () => {
    cluster = await testCluster({ nodes: 2 })
    kafka = cluster.kafka()
  })
  after(() => cluster[Symbol.asyncDispose]())

  async function numbers(count: number, partitions = 1): Promise<Numbers> {
    const contract = topic(cluster.name('numbers'), { key: serde.string, value: serde.json<number>() })
    await kafka.admin().topics.create({ name: contract.name, partitions })
    await fill(contract, count)
    return contract
  }

  async function fill(contract: Numbers, count: number, from = 0): Promise<void> {
    await using producer = kafka.producer()
    await producer.sendAll(
      contract,
      Array.from({ length: count }, (_, i) => ({ key: `k${(from + i) % 7}`, value: from + i })),
    )
  }

  /** Takes `count` values, and asks once more so that the last one counts as processed. */
  async function take(consumer: Consumer<Numbers>, count: number): Promise<number[]> {
    const values: number[] = []
    const records = consumer[Symbol.asyncIterator]()
    while (values.length < count) values.push((await records.next()).value!.value!)
    const idle = records.next()
    idle.catch(() => {}) // ends with the consumer
    return values
  }

  test('records come in order with everything they were sent with, duplicate headers too', async () => {
    const contract = topic(cluster.name('full'), { key: serde.string, value: serde.json<{ n: number }>() })
    await using producer = kafka.producer()
    await producer.send(contract, {
      key: 'k',
      value: { n: 1 },
      timestamp: 1_700_000_000_000,
      headers: [
        ['a', '1'],
        ['b', null],
        ['a', '2'],
      ],
    })
    await producer.send(contract, { key: 'k', value: null })
    const [first, tombstone] = await Array.fromAsync(kafka.read(contract))
    assert.deepEqual(first!.value, { n: 1 })
    assert.deepEqual([first!.key, first!.offset, first!.timestamp], ['k', 0, 1_700_000_000_000])
    assert.deepEqual(
      [first!.headers.text('a'), first!.headers.getAll('a').length, first!.headers.get('b'), first!.headers.has('c')],
      ['2', 2, null, false],
    )
    assert.equal(tombstone!.value, null)
    const { topic: name, partition } = first!
    assert.deepEqual(JSON.parse(JSON.stringify(first)), {
      topic: name,
      partition,
      offset: 0,
      timestamp: first!.timestamp,
      key: 'k',
      value: { n: 1 },
    })
    const copy = first!.clone()
    assert.deepEqual([copy.value, copy.headers.text('a')], [{ n: 1 }, '2'])
    assert.notEqual(copy.valueBytes!.buffer, first!.valueBytes!.buffer)
  })

  test('every compression is read', async () => {
    const name = cluster.name('compressed')
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      await using producer = kafka.producer({ compression })
      await producer.send(name, { key: 'same', value: compression.repeat(50) })
    }
    const read = await Array.fromAsync(kafka.read(name))
    assert.deepEqual(
      read.map(r => Buffer.from(r.value!).toString().slice(0, 4)),
      ['none', 'gzip', 'snap', 'lz4l', 'zstd'],
    )
  })

  test('what was processed is committed at close; what was only delivered is not', async () => {
    const contract = await numbers(10)
    const options = { group: cluster.name('g'), topics: [contract], from: 'earliest' } as const
    const first = kafka.consumer(options)
    const seen: number[] = []
    for await (const record of first) {
      seen.push(record.value!)
      if (record.value === 4) break
    }
    await first.close()
    assert.deepEqual(seen, [0, 1, 2, 3, 4])
    await using second = kafka.consumer(options)
    assert.deepEqual(await take(second, 6), [4, 5, 6, 7, 8, 9])
  })

  test('a throw in the loop leaves its record uncommitted, and a new loop begins with it', async () => {
    const contract = await numbers(5)
    await using consumer = kafka.consumer({ group: cluster.name('g'), topics: [contract], from: 'earliest' })
    await assert.rejects(async () => {
      for await (const record of consumer) if (record.value === 2) throw new Error('cannot')
    }, /cannot/)
    for await (const record of consumer) {
      assert.equal(record.value, 2)
      break
    }
  })

  test('commits happen while the loop runs, of the offset after the last processed record', async () => {
    const contract = await numbers(10)
    const group = cluster.name('g')
    await using consumer = kafka.consumer({ group, topics: [contract], from: 'earliest', commit: { every: 20 } })
    await take(consumer, 10)
    const deadline = performance.now() + 10_000
    for (;;) {
      const [offset] = await kafka.admin().groups.offsets(group)
      if (offset?.offset === 10) break
      assert(performance.now() < deadline, `committed ${offset?.offset}`)
    }
  })

  test('with manual commits only what is committed by hand counts', async () => {
    const contract = await numbers(10)
    const options = { group: cluster.name('g'), topics: [contract], from: 'earliest', commit: 'manual' } as const
    const first = kafka.consumer(options)
    for await (const record of first) {
      if (record.value === 3) await first.commit(record)
      if (record.value === 8) break
    }
    await first.close()
    await using second = kafka.consumer(options)
    assert.equal((await take(second, 1))[0], 4)
  })

  test('batches are as large as asked, and commit as a whole', async () => {
    const contract = await numbers(25, 2)
    const options = { group: cluster.name('g'), topics: [contract], from: 'earliest' } as const
    const first = kafka.consumer(options)
    const sizes: number[] = []
    let sum = 0
    for await (const batch of first.batches({ max: 10, maxWaitMs: 2_000 })) {
      sizes.push(batch.length)
      sum += batch.map(r => r.value!).reduce((a, b) => a + b, 0)
      if (sizes.length === 2) {
        await batch.commit()
        break
      }
    }
    await first.close()
    assert.deepEqual(sizes, [10, 10])
    await using late = kafka.consumer({ ...options, group: cluster.name('late') })
    for await (const batch of late.batches({ max: 1 })) {
      await late.close()
      await assert.rejects(batch.commit(), { code: 'PARTITION_REVOKED', retriable: false })
      break
    }
    await using second = kafka.consumer(options)
    for await (const batch of second.batches({ max: 10, maxWaitMs: 200 })) {
      sum += batch.map(r => r.value!).reduce((a, b) => a + b, 0)
      assert.equal(batch.length, 5)
      break
    }
    assert.equal(sum, (24 * 25) / 2)
  })

  test('a run works on many records at once, keeps the order of each key, and commits when it ends', async () => {
    const contract = await numbers(200, 3)
    const group = cluster.name('g')
    const consumer = kafka.consumer({ group, topics: [contract], from: 'earliest' })
    const byKey = new Map<string, number[]>()
    const done = new AbortController()
    let working = 0
    let most = 0
    let count = 0
    await consumer.run(
      async record => {
        most = Math.max(most, ++working)
        await new Promise(resolve => setImmediate(resolve))
        const list = byKey.get(record.key!) ?? []
        byKey.set(record.key!, list)
        list.push(record.value!)
        working--
        if (++count === 200) done.abort()
      },
      { concurrency: 5, order: 'key', signal: done.signal },
    )
    await consumer.close()
    assert.equal(most, 5)
    for (const list of byKey.values())
      assert.deepEqual(
        list,
        list.toSorted((a, b) => a - b),
      )
    const committed = await kafka.admin().groups.offsets(group)
    assert.equal(
      committed.reduce((sum, { offset }) => sum + offset, 0),
      200,
    )
  })

  test('a handler that fails is tried again, then its record becomes a dead letter', async () => {
    const contract = await numbers(3)
    await using consumer = kafka.consumer({ group: cluster.name('g'), topics: [contract], from: 'earliest' })
    const dead = cluster.name('dead')
    const calls: string[] = []
    const done = new AbortController()
    await consumer.run(
      (record, { attempt }) => {
        calls.push(`${record.value}/${attempt}`)
        if (record.value === 1) throw new Error('poison')
        if (record.value === 2) done.abort()
      },
      { retry: { attempts: 3, backoff: { initialMs: 1, maxMs: 1 } }, deadLetter: dead, signal: done.signal },
    )
    assert.deepEqual(calls, ['0/1', '1/1', '1/2', '1/3', '2/1'])
    const [letter] = await Array.fromAsync(kafka.read(dead))
    assert.equal(Buffer.from(letter!.value!).toString(), '1')
    assert.equal(letter!.headers.text('dead-letter.topic'), contract.name)
    assert.match(letter!.headers.text('dead-letter.error')!, /poison/)
  })

  test('without a dead-letter topic the run ends with the error, and the record is still to be processed', async () => {
    const contract = await numbers(3)
    const options = { group: cluster.name('g'), topics: [contract], from: 'earliest' } as const
    const first = kafka.consumer(options)
    const running = first.run(record => {
      if (record.value === 1) throw new Error('poison')
    })
    await assert.rejects(running, /poison/)
    await first.close()
    await using second = kafka.consumer(options)
    assert.deepEqual(await take(second, 2), [1, 2])
  })

  test('a signal ends an iteration with its reason', async () => {
    const contract = await numbers(1)
    await using consumer = kafka.consumer({ group: cluster.name('g'), topics: [contract], from: 'earliest' })
    const stop = new AbortController()
    const loop = (async () => {
      for await (const _ of consumer.records({ signal: stop.signal })) stop.abort(new Error('enough'))
    })()
    await assert.rejects(loop, /enough/)
  })

  test('closing ends a loop that waits', async () => {
    const contract = await numbers(0)
    const assigned = Promise.withResolvers<void>()
    const onAssigned = () => assigned.resolve()
    const consumer = kafka.consumer({ group: cluster.name('g'), topics: [contract], onAssigned })
    const loop = (async () => {
      for await (const record of consumer) assert.fail(`got ${record.offset}`)
    })()
    await assigned.promise
    await consumer.close()
    await loop
    assert.equal(consumer.health().state, 'closed')
    assert.throws(() => consumer.records(), /closed/)
  })

  test('seeking, pausing and resuming move what is handed out next', async () => {
    const contract = await numbers(10, 2)
    const assigned: number[] = []
    await using consumer = kafka.consumer({
      group: cluster.name('g'),
      topics: [contract],
      from: 'latest',
      onAssigned: async (partitions, self) => {
        for (const { topic: name, partition } of partitions) {
          assigned.push(partition)
          self.seek(name, partition, 'earliest')
        }
      },
    })
    const all = await take(consumer, 10)
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      Array.from({ length: 10 }, (_, i) => i),
    )
    assert.deepEqual(assigned.toSorted(), [0, 1])
    assert.equal(
      consumer.lag().reduce((sum, { lag }) => sum + lag!, 0),
      0,
    )
  })

  test('a paused partition is silent until it is resumed', async () => {
    const contract = await numbers(10, 2)
    const engine = kafka.consumer({ group: cluster.name('g'), topics: [contract], from: 'earliest' }).engine
    engine.subscribe([contract.name])
    while (engine.assignment().length < 2) await engine.poll(500)
    const [zero, one] = engine.assignment()
    for (const at of [zero!, one!]) engine.seek(at, 0)
    engine.pause([zero!])
    const counts = [0, 0]
    const end = async (partition: number) =>
      (await engine.offsetsFor([{ topic: contract.name, partition }], 'latest'))[0]!
    const [ends0, ends1] = [await end(0), await end(1)]
    while (counts[1]! < ends1) for (const b of await engine.poll(500)) counts[b.partition]! += b.records.length
    assert.deepEqual([counts[0], engine.paused()], [0, [zero]])
    engine.resume([zero!])
    while (counts[0]! < ends0) for (const b of await engine.poll(500)) counts[b.partition]! += b.records.length
    assert.deepEqual(counts, [ends0, ends1])
    assert.equal(ends0 + ends1, 10)
  })

  test('reading a topic ends at its end, begins where asked, and needs no group', async () => {
    const contract = await numbers(10, 2)
    const all = await Array.fromAsync(kafka.read(contract), r => r.value!)
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      Array.from({ length: 10 }, (_, i) => i),
    )
    const one = await Array.fromAsync(kafka.read(contract, { partitions: [1], from: { offsets: { 1: 2 } } }))
    assert(one.every(r => r.partition === 1 && r.offset >= 2))
    assert.deepEqual(await Array.fromAsync(kafka.read(contract, { from: 'latest' })), [])
    assert.deepEqual(await Array.fromAsync(kafka.read(contract, { from: { timestamp: 9_999_999_999_999 } })), [])
    await assert.rejects(Array.fromAsync(kafka.read(cluster.name('missing'))), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await assert.rejects(Array.fromAsync(kafka.read(contract, { partitions: [5] })), /partitions 0 to 1/)
  })

  test('a reading that goes on sees what comes later', async () => {
    const contract = await numbers(2)
    const seen: number[] = []
    for await (const record of kafka.read(contract, { until: 'forever' })) {
      seen.push(record.value!)
      if (seen.length === 2) await fill(contract, 1, 2)
      if (seen.length === 3) break
    }
    assert.deepEqual(seen, [0, 1, 2])
  })

  test('exactly the partitions asked for are read, from the offsets the group has committed', async () => {
    const contract = await numbers(20, 2)
    const group = cluster.name('g')
    await kafka.admin().groups.setOffsets(group, [{ topic: contract.name, partition: 1, offset: 3 }])
    await using consumer = kafka.consumer({ group, partitions: [{ topic: contract, partition: 1 }] })
    for await (const record of consumer) {
      assert.deepEqual([record.partition, record.offset], [1, 3])
      break
    }
  })

  test('a position that was deleted is reset as configured, or ends the consumer', async () => {
    const contract = await numbers(10)
    const group = cluster.name('g')
    await kafka.admin().groups.setOffsets(group, [{ topic: contract.name, partition: 0, offset: 2 }])
    await kafka.admin().topics.deleteRecords([{ topic: contract.name, partition: 0, before: 6 }])
    const failing = kafka.consumer({ group, topics: [contract], from: 'fail' })
    await assert.rejects(take(failing, 1), { code: 'OFFSET_OUT_OF_RANGE' })
    assert.equal(failing.health().state, 'failed')
    await failing.close()
    await using resetting = kafka.consumer({ group, topics: [contract], from: 'earliest' })
    assert.deepEqual(await take(resetting, 4), [6, 7, 8, 9])
  })

  test('a topic that does not exist yet is waited for', async () => {
    const contract = topic(cluster.name('later'), { key: serde.string, value: serde.json<number>() })
    await using consumer = kafka.consumer({
      group: cluster.name('g'),
      topics: [contract],
      from: 'earliest',
      autoCreateTopics: false,
      metadataMaxAgeMs: 50,
    })
    const values = take(consumer, 3)
    await kafka.admin().topics.create({ name: contract.name, partitions: 1 })
    await fill(contract, 3)
    assert.deepEqual(await values, [0, 1, 2])
  })
})
