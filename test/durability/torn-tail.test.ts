/**
 * Power that fails in the middle of a write, and files that come back different: the broker starts, serves every complete batch and
 * no garbage, and goes on from there. What was acknowledged and is gone is never passed over.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Broker } from '@odradek/broker'
import { CreateTopics, decodeRecords, ErrorCodes, eachBatch, encodeBatch, Fetch } from '@odradek/protocol'
import { realWire, realWorld } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { closing } from '../interop/broker-under-test.ts'
import { dice } from './dice.ts'

const cuts = Number(process.env.ODRADEK_CUTS ?? 12)
const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)
const tailBytes = 64 * 1024
const log = 'orders-0/00000000000000000000.log'

test(`a log cut off anywhere in its last 64 KiB keeps every complete batch (${cuts} places, ODRADEK_SEED=${seed})`, async t => {
  const { folder, whole, ends, checkpoint } = await tornFolder(t)
  const chance = dice(seed)
  for (let i = 0; i < cuts; i++) {
    const length = whole - (i === 0 ? 0 : chance(tailBytes))
    const complete = ends.filter(end => end <= length).length
    await onCopy(folder, async copy => {
      writeFileSync(join(copy, 'checkpoint'), checkpoint)
      truncateSync(join(copy, log), length)
      await serves(copy, complete, `cut after ${length} bytes`)
    })
  }
})

test('garbage behind the last batch is cut off', async t => {
  const { folder, ends } = await tornFolder(t)
  const bytes = readFileSync(join(folder, log))
  const chance = dice(seed)
  const tails: Record<string, Buffer> = {
    'a MiB of zeroes': Buffer.alloc(1024 * 1024),
    'a MiB of noise': Buffer.from(Array.from({ length: 1024 * 1024 }, () => chance(256))),
    'an old batch again': bytes.subarray(0, ends[0]),
    'one byte': Buffer.of(0),
    'a header whose batch never came': Buffer.from(encodeBatch([{ value: 'x' }], { baseOffset: ends.length })).subarray(
      0,
      61,
    ),
  }
  for (const [name, tail] of Object.entries(tails)) {
    await onCopy(folder, async copy => {
      writeFileSync(join(copy, log), tail, { flag: 'a' })
      await serves(copy, ends.length, name)
    })
  }
})

test('acknowledged records that are gone are answered for, never given to others, and the file stays as it is', async t => {
  const { folder, whole, ends } = await tornFolder(t)
  // An orderly end, after which the checkpoint alone knows what was acknowledged.
  await (await brokerOn(folder)).close()
  truncateSync(join(folder, log), whole - 10)
  const left = ends.length - 1
  for (const start of ['the first start', 'the next one']) {
    await using broker = await brokerOn(folder)
    const client = await connected(broker)
    const { responses } = await client.call(Fetch, 12, fetchRequest('orders', left))
    assert.equal(responses[0]!.partitions[0]!.errorCode, ErrorCodes.CORRUPT_MESSAGE, start)
    const { errorCode, baseOffset } = await produceTo(client, 'orders', encodeBatch([{ key: 'next', value: 'x' }]))
    assert.equal(errorCode, ErrorCodes.NONE)
    assert.ok(baseOffset >= ends.length, start)
    assert.deepEqual(await keys(client, ends.length), start === 'the first start' ? ['next'] : ['next', 'next'])
    client.close()
  }
  assert.equal(statSync(join(folder, log)).size, whole - 10)
})

/**
 * A folder as a crash leaves it: 80 KiB of batches, and the checkpoint as it was before the last 64 of them. Without the journal, which
 * would give back what is torn off.
 */
async function tornFolder(
  t: TestContext,
): Promise<{ folder: string; whole: number; ends: number[]; checkpoint: Buffer }> {
  const folder = freshFolder(t)
  const broker = await brokerOn(folder)
  const client = await connected(broker)
  await createTopic(client, 'orders')
  let whole = 0
  let checkpoint: Buffer | undefined
  const ends: number[] = []
  for (let i = 0; whole < 16 * 1024 + tailBytes; i++) {
    if (whole < 16 * 1024) checkpoint = readFileSync(join(folder, 'checkpoint'))
    const batch = encodeBatch([{ key: `k${i}`, value: Buffer.alloc(50 + ((i * 611) % 3000), i) }])
    await produced(client, batch)
    ends.push((whole += batch.length))
  }
  client.close()
  await broker.close({ drain: false })
  rmSync(join(folder, 'journal'), { recursive: true, force: true })
  return { folder, whole, ends, checkpoint: checkpoint! }
}

/** A broker on the folder serves exactly the first `count` records, then takes one more, and its index and clock work. */
async function serves(folder: string, count: number, what: string): Promise<void> {
  await using broker = await brokerOn(folder)
  const client = await connected(broker)
  assert.deepEqual(
    await keys(client),
    Array.from({ length: count }, (_, i) => `k${i}`),
    what,
  )
  const { errorCode, baseOffset } = await produceTo(
    client,
    'orders',
    encodeBatch([{ key: `k${count}`, value: 'next' }]),
  )
  assert.deepEqual({ errorCode, baseOffset }, { errorCode: 0, baseOffset: count }, what)
  assert.deepEqual((await keys(client, Math.max(0, count - 3))).at(-1), `k${count}`, what)
  client.close()
}

async function keys(client: RawClient, from = 0): Promise<string[]> {
  const found: string[] = []
  for (let offset = from; ; ) {
    const { responses } = await client.call(Fetch, 12, fetchRequest('orders', offset))
    const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
    assert.equal(errorCode, ErrorCodes.NONE)
    for (const batch of eachBatch(records!)) {
      for (const record of decodeRecords(records!, batch.at)) found.push(Buffer.from(record.key!).toString())
      offset = batch.baseOffset + batch.lastOffsetDelta + 1
    }
    if (offset >= highWatermark) return found
  }
}

const brokerOn = (folder: string): Promise<Broker> =>
  Broker.start({ world: realWorld(), listen: { host: '127.0.0.1', port: 0 }, data: { folder } })

function connected(broker: Broker): Promise<RawClient> {
  const [host, port] = broker.bootstrap.split(':')
  return RawClient.connect(realWire, { host: host!, port: Number(port) })
}

async function createTopic(client: RawClient, name: string, settings: Record<string, string> = {}): Promise<void> {
  const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
  const { topics } = await client.call(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 })
  assert.equal(topics[0]!.errorCode, ErrorCodes.NONE, topics[0]!.errorMessage ?? '')
}

async function produced(client: RawClient, batch: Uint8Array): Promise<void> {
  assert.equal((await produceTo(client, 'orders', batch)).errorCode, ErrorCodes.NONE)
}

async function onCopy(folder: string, run: (copy: string) => Promise<void>): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'odradek-torn-'))
  try {
    cpSync(folder, copy, { recursive: true })
    await run(copy)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-torn-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
