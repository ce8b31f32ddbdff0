import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiVersions, ErrorCodes, encodeBatch, Fetch, Metadata, Produce } from '@odradek/protocol'
import type { RawClient } from './testing/raw-client.ts'
import { fetchRequest, produceRequest, produceTo, TestBroker } from './testing/test-broker.ts'

/** Half a request: a length, and less than that. */
function half(claimed: number, sent: number): Uint8Array {
  const bytes = Buffer.alloc(4 + sent)
  bytes.writeInt32BE(claimed)
  return bytes
}

const isServed = (client: RawClient) =>
  Promise.race([
    client.call(ApiVersions, 0, {}).then(
      () => true,
      () => false,
    ),
    client.closed.then(() => false),
  ])

test('more connections than max.connections are refused, until one goes', async () => {
  await using broker = await TestBroker.start({ config: { 'max.connections': '2' } })
  const first = await broker.client()
  const second = await broker.client()
  assert.deepEqual([await isServed(first), await isServed(second)], [true, true])
  assert.equal(await isServed(await broker.client()), false)
  assert.match(broker.lines.at(-1)!, /there are 2 connections already \(max\.connections\)/)
  first.close()
  await first.closed
  await isServed(second)
  assert.equal(await isServed(await broker.client()), true)
})

test('one address has its own limit', async () => {
  await using broker = await TestBroker.start({ config: { 'max.connections.per.ip': '1' } })
  assert.equal(await isServed(await broker.client()), true)
  assert.equal(await isServed(await broker.client()), false)
})

test('a quiet connection is closed, one that waits for records is not', async () => {
  await using broker = await TestBroker.start({ config: { 'connections.max.idle.ms': '40' } })
  await broker.topic('t')
  const [quiet, waiting] = [await broker.client(), await broker.client()]
  const answer = waiting.call(Fetch, 12, fetchRequest('t', 0, { maxWaitMs: 300 }))
  await quiet.closed
  assert.equal((await answer).errorCode, ErrorCodes.NONE)
})

test('a frame larger than socket.request.max.bytes closes its connection', async () => {
  await using broker = await TestBroker.start({ config: { 'socket.request.max.bytes': '1000' } })
  const client = await broker.client()
  client.send(half(1001, 0))
  await client.closed
  assert.match(broker.lines.at(-1)!, /frame length 1001 is not between 0 and 1000/)
})

test('halves of requests cannot take all memory: who does not go on is closed, and whole requests are served', async () => {
  const config = { 'queued.max.request.bytes': '100000', 'request.timeout.ms': '30' }
  await using broker = await TestBroker.start({ config })
  await broker.topic('t')
  const idlers: RawClient[] = []
  for (let i = 0; i < 5; i++) {
    const idler = await broker.client()
    idler.send(half(50_000_000, 60_000))
    idlers.push(idler)
  }
  const honest = await broker.client()
  const answer = await produceTo(honest, 't', [{ value: Buffer.alloc(500_000) }])
  assert.equal(answer.errorCode, ErrorCodes.NONE)
  await Promise.all(idlers.slice(1).map(idler => idler.closed))
  assert.ok(broker.lines.some(line => /did not arrive in time while memory was short/.test(line)))
})

test('who does not read is not read, and gets what he asked for once he reads again', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const [writer, reader] = [await broker.client(), await broker.client()]
  for (let i = 0; i < 20; i++) await produceTo(writer, 't', [{ value: Buffer.alloc(500_000) }])
  await reader.call(ApiVersions, 0, {})
  reader.stopReading()
  const answers = Array.from({ length: 40 }, (_, i) =>
    reader.call(Fetch, 12, fetchRequest('t', i % 20, { partitionMaxBytes: 1 })),
  )
  await produceTo(writer, 't', [{ value: 'others go on' }])
  reader.readAgain()
  for (const { responses } of await Promise.all(answers))
    assert.ok(responses[0]!.partitions[0]!.records!.length > 500_000)
})

test('who asks for much is given little at first, and more each time he has read it', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  for (let i = 0; i < 30; i++) await produceTo(client, 't', [{ value: Buffer.alloc(100_000) }])
  const sizes: number[] = []
  for (let i = 0; i < 4; i++) {
    const { responses } = await client.call(Fetch, 12, fetchRequest('t', 0, { partitionMaxBytes: 50_000_000 }))
    sizes.push(Math.floor(responses[0]!.partitions[0]!.records!.length / 100_000))
  }
  assert.deepEqual(sizes, [2, 5, 10, 20])
})

test('a request waits for the one before it, but Produce does not', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const [reader, writer] = [await broker.client(), await broker.client()]
  const parked = reader.call(Fetch, 12, fetchRequest('t', 0, { maxWaitMs: 60_000 }))
  const behind = reader.call(Metadata, 1, { topics: null })
  await produceTo(writer, 't', [{ value: 'v' }])
  await Promise.all([parked, behind])
  assert.deepEqual(reader.answered, [1, 2])
})

test('twenty thousand small requests in one go are all answered, in order', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const answers = Array.from({ length: 20_000 }, () => client.answerTo(ApiVersions, 0, {}))
  await Promise.all(answers)
  assert.deepEqual(
    client.answered,
    Array.from(answers, (_, i) => i + 1),
  )
})

test('a producer that pipelines without reading is held back, and loses nothing', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  const batch = encodeBatch([{ value: Buffer.alloc(900_000) }])
  const answers = Array.from({ length: 40 }, () => {
    const answer = client.call(Produce, 9, produceRequest('t', Buffer.from(batch)))
    client.tell(ApiVersions, 0, {})
    return answer
  })
  const offsets = (await Promise.all(answers)).map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset)
  assert.deepEqual(offsets, [...offsets.keys()])
  await client.call(ApiVersions, 0, {})
  assert.deepEqual(
    client.answered,
    Array.from({ length: 81 }, (_, i) => i + 1),
  )
})
