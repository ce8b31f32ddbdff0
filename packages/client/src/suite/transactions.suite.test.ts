/**
 * Transactions on any Kafka-compatible cluster, by the rules of before KIP-890 and by those after it: what is committed is seen once,
 * what is aborted never, and offsets go with the records.
 */
import assert from 'node:assert/strict'
import { after, before, mock, suite, test } from 'node:test'
import { BrokerConnection } from '../cluster/connection.ts'
import {
  type Consumer,
  createConsumerEngine,
  type Kafka,
  type KafkaError,
  type RecordBatch,
  serde,
  type Topic,
  type TransactionalProducer,
  TransactionError,
  topic,
  UsageError,
} from '../index.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'

type Texts = Topic<string, string>

for (const rules of ['old', 'new'] as const) {
  suite(`transactions by the ${rules} rules`, () => {
    let cluster: TestCluster
    let kafka: Kafka
    before(async () => {
      cluster = await testCluster({ nodes: 2 })
      kafka = cluster.kafka()
      if (rules === 'old') mock.method(BrokerConnection.prototype, 'featureLevel', () => 0)
    })
    after(async () => {
      mock.restoreAll()
      await cluster[Symbol.asyncDispose]()
    })

    async function texts(partitions = 3): Promise<Texts> {
      const contract = topic(cluster.name('texts'), { key: serde.string, value: serde.string })
      await kafka.admin().topics.create({ name: contract.name, partitions })
      return contract
    }

    const transactional = (transactionalId = cluster.name('tx')) => kafka.producer({ transactionalId })

    async function seen(contract: Texts, isolation: 'read_committed' | 'read_uncommitted' = 'read_committed') {
      const records = await Array.fromAsync(kafka.read(contract, { isolation }))
      return records.map(({ value }) => value).toSorted()
    }

    /** What a group has committed, over all partitions, once no transaction can change it any more. */
    async function committed(group: string, { name }: Texts): Promise<number> {
      const engine = createConsumerEngine(kafka.cluster, { group })
      const count = await engine.partitionsOf(name)
      const offsets = await engine.committed(
        Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
      )
      await engine.close()
      return offsets.reduce((sum, found) => sum + (found?.offset ?? 0), 0)
    }

    test('what is committed is seen, over many partitions and topics; what is aborted is not', async () => {
      const [one, two] = [await texts(), await texts()]
      await using txp = transactional()
      for (let round = 0; round < 6; round++) {
        const isAborted = round % 3 === 1
        const done = txp.transaction(tx => {
          for (let i = 0; i < 4; i++) tx.send(one, { key: `k${i}`, value: `${round}.${i}` })
          tx.send(two, { key: 'k', value: `${round}` })
          if (isAborted) throw new Error('changed my mind')
          return round
        })
        if (isAborted) await assert.rejects(done, /changed my mind/)
        else assert.equal(await done, round)
      }
      const kept = [0, 2, 3, 5]
      assert.deepEqual(
        await seen(one),
        kept.flatMap(round => [0, 1, 2, 3].map(i => `${round}.${i}`)),
      )
      assert.deepEqual(await seen(two), kept.map(String))
    })

    test('a transaction that wrote nothing, and one that was aborted before it wrote, leave no trace', async () => {
      const contract = await texts(1)
      await using txp = transactional()
      assert.equal(await txp.transaction(() => 'nothing'), 'nothing')
      await assert.rejects(
        txp.transaction(() => Promise.reject(new Error('no'))),
        /no/,
      )
      await txp.transaction(tx => tx.send(contract, { value: 'x' }))
      assert.deepEqual(await seen(contract), ['x'])
    })

    test('records that were sent and awaited are hidden until the commit, and an aborted end does not hold a reader up', async () => {
      const contract = await texts(1)
      await using txp = transactional()
      await txp.transaction(async tx => {
        const { offset } = await tx.send(contract, { value: 'a' })
        assert.equal(offset, 0)
        assert.deepEqual(await seen(contract), [])
        assert.deepEqual(await seen(contract, 'read_uncommitted'), ['a'])
      })
      assert.deepEqual(await seen(contract), ['a'])
      const aborted = txp.transaction(async tx => {
        await tx.sendAll(contract, [{ value: 'b' }, { value: 'c' }])
        throw new Error('no')
      })
      await assert.rejects(aborted)
      assert.deepEqual(await seen(contract), ['a'], 'the last offsets are those of aborted records and a marker')
      assert.deepEqual(await seen(contract, 'read_uncommitted'), ['a', 'b', 'c'])
    })

    test('transactions of several producers mix in a partition: readers see what is committed from any offset on, and no marker', async () => {
      const contract = await texts(1)
      const producers = [transactional(), transactional(), transactional()]
      await using plain = kafka.producer()
      for (let round = 0; round < 5; round++) {
        const open = producers.map((txp, i) =>
          txp.transaction(async tx => {
            for (let n = 0; n < 3; n++)
              await tx.send(contract, { value: `${(round + i) % 2 ? 'no' : 'yes'} ${round}.${i}.${n}` })
            if ((round + i) % 2) throw new Error('no')
          }),
        )
        await plain.send(contract, { value: `yes ${round}` })
        await Promise.allSettled(open)
      }
      const all = await Array.fromAsync(kafka.read(contract, { isolation: 'read_uncommitted' }))
      const kept = all.filter(({ value }) => value!.startsWith('yes'))
      assert.deepEqual([all.length, kept.length], [50, 29])
      const places = (records: readonly { offset: number; value: string | null }[]) =>
        records.map(({ offset, value }) => `${offset} ${value}`)
      for (const from of [0, 1, 2, 5, 11, 23, 40]) {
        const read = kafka.read(contract, { isolation: 'read_committed', from: { offsets: { 0: from } } })
        assert.deepEqual(places(await Array.fromAsync(read)), places(kept.filter(({ offset }) => offset >= from)))
      }
      // In small fetches, each with a list of aborted transactions of its own; and at the end there is no lag.
      const small = { isolation: 'read_committed', from: 'earliest', partitionMaxBytes: 300 } as const
      await using consumer = kafka.consumer({ partitions: [{ topic: contract, partition: 0 }], ...small })
      const read: { offset: number; value: string | null }[] = []
      for await (const { offset, value } of consumer) {
        read.push({ offset, value })
        if (read.length === kept.length) break
      }
      assert.deepEqual(places(read), places(kept))
      await consumer.engine.poll(500)
      const end = await consumer.engine.offsetsFor([{ topic: contract.name, partition: 0 }], 'latest')
      assert.equal(consumer.engine.position({ topic: contract.name, partition: 0 }), end[0], 'beyond the markers')
      assert.equal(consumer.lag()[0]!.lag, 0)
      await Promise.all(producers.map(txp => txp.close()))
    })

    test('who begins with a transactional id fences who had it, and ends what it left open', async () => {
      const contract = await texts(1)
      const id = cluster.name('tx')
      await using first = transactional(id)
      await using second = transactional(id)
      const fenced = first.transaction(async tx => {
        await tx.send(contract, { value: 'of the first' })
        await second.takeOver()
        await second.transaction(tx => tx.send(contract, { value: 'of the second' }))
      })
      await assert.rejects(
        fenced,
        (error: TransactionError) => error.fatal && error.code === 'PRODUCER_FENCED' && !error.retriable,
      )
      await assert.rejects(
        first.transaction(() => {}),
        (error: TransactionError) => error.fatal,
        'for good',
      )
      assert.deepEqual(await seen(contract), ['of the second'])
    })

    test('a transaction that is open for too long is aborted before the broker fences its producer for it', async () => {
      const contract = await texts(1)
      await using txp = kafka.producer({ transactionalId: cluster.name('tx'), transactionTimeoutMs: 1_000 })
      const slow = txp.transaction(async tx => {
        await tx.send(contract, { value: 'too late' })
        await new Promise(resolve => tx.signal.addEventListener('abort', resolve))
        await assert.rejects(tx.send(contract, { value: 'later still' }), /transactionTimeoutMs/)
      })
      await assert.rejects(slow, (error: TransactionError) => error.code === 'TRANSACTION_TIMED_OUT' && !error.fatal)
      await txp.transaction(tx => tx.send(contract, { value: 'in time' }))
      assert.deepEqual(await seen(contract), ['in time'])
    })

    test('read, process, write: batches whose transaction is aborted come again, and everything is written once', async () => {
      const [input, output] = [await texts(), await texts()]
      await using producer = kafka.producer()
      const values = Array.from({ length: 60 }, (_, i) => `v${String(i).padStart(2, '0')}`)
      await producer.sendAll(
        input,
        values.map((value, i) => ({ key: `k${i % 5}`, value })),
      )
      const group = cluster.name('g')
      await using txp = transactional()
      await using consumer = kafka.consumer({ group, topics: [input], from: 'earliest', isolation: 'read_committed' })
      let attempts = 0
      for await (const batch of consumer.batches({ max: 7 })) {
        const isAborted = attempts++ % 3 === 0
        const done = txp.transaction(async tx => {
          tx.commitOffsets(batch)
          for (const { key, value } of batch) tx.send(output, { key, value: value! })
          if (isAborted) throw new Error('no')
        })
        if (isAborted) await assert.rejects(done, /no/)
        else await done
        if ((await seen(output)).length === values.length) break
      }
      assert.deepEqual(await seen(output), values)
      assert.equal(await committed(group, input), values.length)
    })

    test('the consumer commits nothing below what a transaction has committed, and commits as before after an abort', async () => {
      const input = await texts(1)
      await using producer = kafka.producer()
      await producer.sendAll(
        input,
        Array.from({ length: 6 }, (_, i) => ({ value: String(i) })),
      )
      const group = cluster.name('g')
      await using txp = transactional()
      const consumer = kafka.consumer({ group, topics: [input], from: 'earliest' })
      let n = 0
      for await (const batch of consumer.batches({ max: 2 })) {
        n++
        if (n === 2) await txp.transaction(tx => tx.commitOffsets(batch))
        if (n === 2) await consumer.commit()
        if (n === 2) assert.equal(await committed(group, input), 4)
        if (n === 3) await assert.rejects(abortedWith(txp, batch))
        if (n === 4) assert.equal(batch.records[0]!.offset, 4, 'the aborted one again')
        if (n === 4) break
      }
      await consumer.close()
      assert.equal(await committed(group, input), 4)
    })

    const abortedWith = (txp: TransactionalProducer, batch: RecordBatch<any>) =>
      txp.transaction(async tx => {
        await tx.commitOffsets(batch)
        throw new Error('no')
      })

    test('offsets may be given with their consumer; those of partitions it does not have are refused', async () => {
      const input = await texts(1)
      await using producer = kafka.producer()
      await producer.sendAll(input, [{ value: 'a' }, { value: 'b' }])
      const group = cluster.name('g')
      await using txp = transactional()
      const consumer: Consumer<Texts> = kafka.consumer({ group, topics: [input], from: 'earliest' })
      for await (const { topic, partition, offset } of consumer) {
        await txp.transaction(tx => tx.commitOffsets([{ topic, partition, offset: offset + 1 }], consumer))
        if (offset === 1) break
      }
      assert.equal(await committed(group, input), 2)
      const strange = txp.transaction(tx =>
        tx.commitOffsets([{ topic: input.name, partition: 7, offset: 1 }], consumer),
      )
      await assert.rejects(strange, UsageError)
      await consumer.close()
    })

    test('a member of an old generation cannot commit with a transaction', async () => {
      const input = await texts(1)
      await using producer = kafka.producer()
      await producer.send(input, { value: 'a' })
      const group = cluster.name('g')
      await using txp = transactional()
      const slow = kafka.consumer({ group, topics: [input], from: 'earliest', maxPollIntervalMs: 300 })
      for await (const batch of slow.batches()) {
        const late = txp.transaction(async tx => {
          await new Promise(resolve => batch.records[0]!.signal.addEventListener('abort', resolve))
          tx.send(input, { value: 'b' })
          await tx.commitOffsets(batch)
        })
        await assert.rejects(late, (error: KafkaError) => error instanceof TransactionError && !error.retriable)
        break
      }
      await slow.close()
      assert.deepEqual(await seen(input), ['a'])
      await txp.transaction(tx => tx.send(input, { value: 'c' }))
    })
  })
}
