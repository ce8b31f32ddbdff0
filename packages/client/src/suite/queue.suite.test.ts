/** Queues (share groups, KIP-932) on any cluster that offers them. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Kafka, serde, type Topic, topic } from '../index.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'

const quick = {
  'group.share.min.heartbeat.interval.ms': '50',
  'group.share.heartbeat.interval.ms': '50',
  'group.share.min.record.lock.duration.ms': '1000',
  'group.share.record.lock.duration.ms': '1000',
}

suite('queue', () => {
  let cluster: TestCluster
  let kafka: Kafka
  before(async () => {
    cluster = await testCluster({ config: quick })
    kafka = cluster.kafka()
  })
  after(() => cluster[Symbol.asyncDispose]())

  async function jobsOf(count: number, partitions = 1): Promise<Topic<string, string>> {
    const jobs = topic(cluster.name('jobs'), { key: serde.string, value: serde.string })
    await kafka.admin().topics.create({ name: jobs.name, partitions })
    await add(jobs, 0, count)
    return jobs
  }

  async function add(jobs: Topic<string, string>, from: number, count: number): Promise<void> {
    await using producer = kafka.producer()
    await producer.sendAll(
      jobs,
      Array.from({ length: count }, (_, i) => ({ key: null, value: `${from + i}` })),
    )
  }

  const queueOf = (jobs: Topic<string, string>, group: string, more = {}) =>
    kafka.queue({ group, topics: [jobs], from: 'earliest', maxWaitMs: 50, ...more })

  test('each record goes to one member and is not delivered again once it is acknowledged', async () => {
    const jobs = await jobsOf(300, 2)
    const group = cluster.name('g')
    const seen: string[] = []
    const all = Promise.withResolvers<void>()
    const queues = [1, 2, 3].map(() => queueOf(jobs, group))
    const runs = queues.map(queue =>
      queue.run(
        ({ value }) => {
          seen.push(value!)
          if (seen.length === 300) all.resolve()
        },
        { concurrency: 4 },
      ),
    )
    await all.promise
    for (const queue of queues) await queue.close()
    await Promise.all(runs)
    assert.equal(new Set(seen).size, 300)
    await add(jobs, 300, 1)
    await using queue = queueOf(jobs, group)
    for await (const job of queue) {
      assert.equal(job.value, '300', 'what was acknowledged does not come back')
      await job.ack()
      await assert.rejects(job.release(), { code: 'USAGE', message: /already/ })
      break
    }
  })

  test('what is released comes again and is counted, what is rejected does not', async () => {
    const jobs = await jobsOf(3)
    const log: string[] = []
    await using queue = queueOf(jobs, cluster.name('g'))
    for await (const job of queue) {
      log.push(`${job.value}/${job.deliveryCount}`)
      if (job.value === '0' && job.deliveryCount === 1) await job.release()
      else if (job.value === '1') await job.reject()
      else await job.ack()
      if (log.length === 4) break
    }
    assert.deepEqual(log.toSorted(), ['0/1', '0/2', '1/1', '2/1'])
  })

  test('a handler that throws releases its record, or rejects it when told', async () => {
    const jobs = await jobsOf(2)
    const log: string[] = []
    const queue = queueOf(jobs, cluster.name('g'))
    const done = Promise.withResolvers<void>()
    const run = queue.run(
      ({ value, deliveryCount }) => {
        log.push(`${value}/${deliveryCount}`)
        if (log.length === 3) done.resolve()
        if (deliveryCount === 1) throw new Error(value === '0' ? 'again' : 'never')
      },
      { onError: error => ((error as Error).message === 'never' ? 'reject' : 'release') },
    )
    await done.promise
    await queue.close()
    await run
    assert.deepEqual(log.toSorted(), ['0/1', '0/2', '1/1'])
  })

  test('closing gives back what was not acknowledged', async () => {
    const jobs = await jobsOf(5)
    const group = cluster.name('g')
    const first = queueOf(jobs, group)
    for await (const job of first) {
      assert.equal(job.deliveryCount, 1)
      break
    }
    await first.close()
    const values: string[] = []
    await using second = queueOf(jobs, group)
    for await (const job of second) {
      values.push(job.value!)
      await job.ack()
      if (values.length === 5) break
    }
    assert.deepEqual(values.toSorted(), ['0', '1', '2', '3', '4'])
  })

  test('a record whose lock has passed cannot be acknowledged, and says so; the others can', async t => {
    if (cluster.isForeign) return t.skip('locks last too long there')
    const jobs = await jobsOf(2)
    await using queue = queueOf(jobs, cluster.name('g'))
    const reading = queue.records()
    const one = (await reading.next()).value!
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await assert.rejects(one.ack(), { code: 'INVALID_RECORD_STATE', message: /lock has passed/ })
    const log: string[] = []
    while (log.length < 2) {
      const job = (await reading.next()).value!
      await job.ack()
      log.push(`${job.value}/${job.deliveryCount}`)
    }
    assert.equal(log.includes('0/2'), true, `${log}`)
  })

  test('a lock that is renewed lasts for as long as the work', async t => {
    if (cluster.isForeign) return t.skip('locks last too long there')
    const jobs = await jobsOf(1)
    const group = cluster.name('g')
    const counts: number[] = []
    const queue = queueOf(jobs, group)
    const done = Promise.withResolvers<void>()
    const run = queue.run(async ({ deliveryCount }) => {
      counts.push(deliveryCount)
      await new Promise(resolve => setTimeout(resolve, 1_300))
      done.resolve()
    })
    await done.promise
    await queue.close()
    await run
    assert.deepEqual(counts, [1])
    await add(jobs, 1, 1)
    await using next = queueOf(jobs, group)
    for await (const job of next) {
      assert.equal(job.value, '1')
      await job.renew()
      await job.ack()
      break
    }
  })

  test('no more than maxInFlight records are held', async () => {
    const jobs = await jobsOf(20)
    const group = cluster.name('g')
    await using one = queueOf(jobs, group, { maxInFlight: 3 })
    const first = one.records()
    const held = [(await first.next()).value!, (await first.next()).value!, (await first.next()).value!]
    await using other = queueOf(jobs, group)
    const values = new Set<string>()
    for await (const job of other) {
      values.add(job.value!)
      await job.ack()
      if (values.size === 17) break
    }
    for (const job of held) assert.equal(values.has(job.value!), false)
    await Promise.all(held.map(job => job.ack()))
  })

  test('a group of another type is refused in a sentence', async () => {
    const jobs = await jobsOf(1)
    const group = cluster.name('g')
    await using consumer = kafka.consumer({ group, topics: [jobs], from: 'earliest' })
    for await (const record of consumer) if (record.value === '0') break
    await using queue = kafka.queue({ group, topics: [jobs] })
    await assert.rejects(queue.records().next(), { code: /GROUP_ID_NOT_FOUND|INCONSISTENT_GROUP_PROTOCOL/ })
  })
})
