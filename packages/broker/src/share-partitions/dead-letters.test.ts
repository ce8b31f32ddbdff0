import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { decodeRecords, eachBatch, Fetch } from '@odradek/protocol'
import { realWorld } from '@odradek/world'
import { fetchRequest, produceTo, TestBroker } from '../testing/test-broker.ts'
import { ShareMember, setGroupConfig } from './testing/share-member.ts'

const [release, reject] = [2, 3]
const folder = await mkdtemp(join(tmpdir(), 'odradek-letters-'))
after(() => rm(folder, { recursive: true, force: true }))

interface Letter {
  value: string | null
  headers: Record<string, string>
}

/** Waits for so many letters, and returns all there are. */
async function lettersIn(broker: TestBroker, topic: string, count: number): Promise<Letter[]> {
  const client = await broker.client()
  for (;;) {
    const answer = await client.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 100, minBytes: 1 << 20 }))
    const bytes = answer.responses[0]!.partitions[0]!.records ?? new Uint8Array(0)
    const letters: Letter[] = []
    for (const { at } of eachBatch(bytes))
      for (const { value, headers } of decodeRecords(bytes, at)) {
        const texts = headers.map(([name, bytes]) => [name, Buffer.from(bytes ?? []).toString()])
        letters.push({ value: value && Buffer.from(value).toString(), headers: Object.fromEntries(texts) })
      }
    if (letters.length >= count) return letters
  }
}

async function prepared(broker: TestBroker, settings: Record<string, string> = {}) {
  const client = await broker.client()
  await broker.topic('orders')
  await broker.topic('dlq.orders', 1, { 'errors.deadletterqueue.group.enable': 'true' })
  await setGroupConfig(client, 'g', {
    'share.auto.offset.reset': 'earliest',
    'share.delivery.count.limit': '2',
    'errors.deadletterqueue.topic.name': 'dlq.orders',
    ...settings,
  })
  await produceTo(client, 'orders', [{ value: 'a', headers: [['trace', 'x']] }, { value: 'b' }, { value: 'c' }])
  return ShareMember.joined(await broker.client(), 'g', 'ada', ['orders'])
}

test('a record that is rejected, or was given out too often, goes to the dead-letter topic, and does not come again', async () => {
  await using broker = await TestBroker.start()
  const ada = await prepared(broker, { 'errors.deadletterqueue.copy.record.enable': 'true' })
  assert.deepEqual(await ada.take({ maxRecords: 2, shareAcquireMode: 1 }), ['a×1', 'b×1'])
  assert.equal(await ada.acknowledge([[0, 1, reject, release]]), 0)
  assert.deepEqual(await ada.take({ maxRecords: 1, shareAcquireMode: 1 }), ['b×2'])
  assert.equal(await ada.acknowledge([[1, 1, release]]), 0)
  const [a, b] = await lettersIn(broker, 'dlq.orders', 2)
  const about = { '__dlq.errors.topic': 'orders', '__dlq.errors.partition': '0', '__dlq.errors.group': 'g' }
  assert.deepEqual(a, {
    value: 'a',
    headers: {
      trace: 'x',
      ...about,
      '__dlq.errors.offset': '0',
      '__dlq.errors.delivery.count': '1',
      '__dlq.errors.message': 'Offset rejected by client.',
    },
  })
  assert.deepEqual(b, {
    value: 'b',
    headers: {
      ...about,
      '__dlq.errors.offset': '1',
      '__dlq.errors.delivery.count': '2',
      '__dlq.errors.message': 'Offset delivery count exceeded the threshold.',
    },
  })
  assert.deepEqual(await ada.take(), ['c×1'])
})

test('without copying, a letter says only where its record was', async () => {
  await using broker = await TestBroker.start()
  const ada = await prepared(broker)
  await ada.take()
  assert.equal(await ada.acknowledge([[0, 0, reject]]), 0)
  const [letter] = await lettersIn(broker, 'dlq.orders', 1)
  assert.equal(letter!.value, null)
  assert.equal(letter!.headers['__dlq.errors.offset'], '0')
  assert.equal(letter!.headers.trace, undefined)
})

test('a topic that is not meant for dead letters gets none, and the group goes on', async () => {
  await using broker = await TestBroker.start()
  const ada = await prepared(broker, { 'errors.deadletterqueue.topic.name': 'dlq.missing' })
  await ada.take()
  assert.equal(await ada.acknowledge([[0, 2, reject]]), 0)
  await produceTo(ada.client, 'orders', [{ value: 'd' }])
  assert.deepEqual(await ada.take({ maxWaitMs: 5000 }), ['d×1'])
  assert.ok(broker.lines.some(line => line.includes('given up without a dead letter')))
})

test('a letter that could not be written before the broker stopped is written after it starts', async () => {
  const options = { world: realWorld(), data: { folder: join(folder, 'late') } }
  {
    await using broker = await TestBroker.start(options)
    const ada = await prepared(broker)
    await ada.take()
    // The stop comes while the letters are on their way.
    await ada.acknowledge([[0, 1, reject]])
    await broker.broker.close({ drain: false })
  }
  await using broker = await TestBroker.start(options)
  const bob = await ShareMember.joined(await broker.client(), 'g', 'bob', ['orders'])
  const took = await bob.take()
  assert.deepEqual(took, ['c×1'])
  const letters = await lettersIn(broker, 'dlq.orders', 2)
  assert.deepEqual(new Set(letters.map(({ headers }) => headers['__dlq.errors.offset'])), new Set(['0', '1']))
})
