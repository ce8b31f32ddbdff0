/**
 * A disk that runs full under a broker: produce is refused with an error that says to try again, topics and commits are refused
 * cleanly, reads go on, and when there is space everything goes on by itself, nothing acknowledged lost.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Admin, Kafka, type KafkaError } from '@odradek/client'
import { ErrorCodes, encodeBatch, errorByCode } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { closing } from '../interop/broker-under-test.ts'
import { ServeProcess } from './serve-process.ts'
import { SmallDisk } from './small-disk.ts'

/** Next to nothing. */
const leftOver = 64 * 1024
const batch = encodeBatch([{ key: 'k', value: Buffer.alloc(50_000, 7) }])

test('a full disk', async t => {
  const disk = SmallDisk.mount({ bytes: '16m' })
  if (disk === undefined) return t.skip('mounting a small tmpfs needs to be root')
  closing(t).defer(() => disk[Symbol.dispose]())
  let broker = await serving(t, disk)
  const kafka = closing(t).use(new Kafka({ brokers: broker.bootstrap, retryTimeoutMs: 500 }))
  const admin = kafka.admin()
  await admin.topics.create([
    { name: 'orders', partitions: 1 },
    { name: 'unwanted', partitions: 1 },
  ])
  let client = await RawClient.connect(realWire, broker.address)
  const acknowledged: number[] = []
  const produce = async () => {
    const { errorCode, baseOffset } = await produceTo(client, 'orders', batch.slice())
    if (errorCode === ErrorCodes.NONE) acknowledged.push(baseOffset)
    return errorCode
  }
  await produce()
  await commit(admin, 1)

  disk.fill(leftOver)
  await t.test('refuses records with a storage error that says to try again', async () => {
    let errorCode = await produce()
    for (let i = 0; errorCode === ErrorCodes.NONE && i < 100; i++) errorCode = await produce()
    assert.equal(errorCode, ErrorCodes.KAFKA_STORAGE_ERROR)
    assert.ok(errorByCode(errorCode).retriable)
    assert.equal(await produce(), ErrorCodes.KAFKA_STORAGE_ERROR)
  })
  disk.fill(leftOver)

  let committed = 1
  await t.test('refuses commits, and says what was committed before', async () => {
    const isRefused = async () => {
      for (; committed < 20_000; committed++) await commit(admin, committed + 1)
    }
    await assert.rejects(
      isRefused,
      (error: KafkaError) => error.code === 'COORDINATOR_NOT_AVAILABLE' && error.retriable,
    )
    assert.equal(await committedOffset(admin), committed)
  })

  await t.test('refuses new topics, and none is there', async () => {
    let made = 0
    const create = () => admin.topics.create([{ name: `new-${made}`, partitions: 200 }])
    for (; made < 50; made++) if ((await outcome(create())) !== undefined) break
    assert.equal(await outcome(create()), 'KAFKA_STORAGE_ERROR')
    assert.ok(!(await topicNames(admin)).includes(`new-${made}`))
  })

  await t.test('serves reads', async () => assert.equal(await count(kafka), acknowledged.length))

  await t.test('lets topics be deleted', async () => {
    await admin.topics.delete(['unwanted'])
    assert.ok(!(await topicNames(admin)).includes('unwanted'))
  })

  await t.test('refuses a broker with a new data folder in one sentence', async () => {
    disk.fill(leftOver)
    const args = ['--listen', '127.0.0.1:0', '--data', join(disk.folder, 'another')]
    const { code, stderr } = await ServeProcess.refused(args)
    assert.match(stderr, /^odradek: [^\n]*(full|no space)[^\n]*\n$/)
    assert.equal(code, 2)
  })

  client.close()
  await broker.end('SIGKILL')
  disk.free()
  broker = await serving(t, disk, broker.address.port)
  client = await RawClient.connect(realWire, broker.address)
  disk.fill(leftOver)
  for (let i = 0; i < 100 && (await produce()) === ErrorCodes.NONE; i++);

  await t.test('takes writes again within 10 s of having space, without a restart', async () => {
    assert.equal(await produce(), ErrorCodes.KAFKA_STORAGE_ERROR)
    disk.free()
    const freed = performance.now()
    while ((await produce()) !== ErrorCodes.NONE) assert.ok(performance.now() - freed < 10_000)
    await commit(admin, 77_777)
    await admin.topics.create([{ name: 'afterwards', partitions: 1 }])
    t.diagnostic(`writes again after ${Math.round(performance.now() - freed)} ms`)
  })

  await t.test('loses nothing that was acknowledged', async () => {
    client.close()
    await broker.end('SIGKILL')
    await serving(t, disk, broker.address.port)
    assert.deepEqual(acknowledged, [...acknowledged.keys()])
    assert.equal(await count(kafka), acknowledged.length)
    assert.equal(await committedOffset(admin), 77_777)
  })
})

async function serving(t: TestContext, { data }: SmallDisk, port = 0): Promise<ServeProcess> {
  const broker = await ServeProcess.start(['--listen', `127.0.0.1:${port}`, '--data', data])
  closing(t).defer(async () => void (await broker.end('SIGKILL')))
  return broker
}

const commit = (admin: Admin, offset: number) =>
  admin.groups.setOffsets('readers', [{ topic: 'orders', partition: 0, offset }])

const committedOffset = async (admin: Admin) => (await admin.groups.offsets('readers'))[0]?.offset

const topicNames = (admin: Admin) => Array.fromAsync(admin.topics.list(), topic => topic.name)

async function outcome(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt
    return undefined
  } catch (error) {
    return (error as KafkaError).code
  }
}

async function count(kafka: Kafka): Promise<number> {
  let records = 0
  for await (const _ of kafka.read('orders', { from: 'earliest', until: 'end' })) records++
  return records
}
