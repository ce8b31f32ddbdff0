/**
 * SIGTERM in the middle of everything: what runs is answered, what waits is answered or closed, the process ends with code 0, and the
 * next start finds nothing to look through.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ErrorCodes, encodeBatch, Fetch, JoinGroup, Metadata, Produce } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, produceRequest } from '../../packages/broker/src/testing/test-broker.ts'
import { closing } from '../interop/broker-under-test.ts'
import { ServeProcess } from './serve-process.ts'

const limitMs = 5_000

test('SIGTERM under load ends with code 0 within 5 s, and the next start scans nothing', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-shutdown-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const broker = await serving(t, folder)
  const connect = () => RawClient.connect(realWire, broker.address)
  const first = await connect()
  await first.call(Metadata, 12, { topics: [{ name: 'orders' }, { name: 'quiet' }], allowAutoTopicCreation: true })

  const producers = await Promise.all(Array.from({ length: 4 }, async () => new PipeliningProducer(await connect())))
  const fetchers = await Promise.all(Array.from({ length: 10 }, connect))
  const parked = fetchers.map(client =>
    settled(client.call(Fetch, 12, fetchRequest('quiet', 0, { maxWaitMs: 60_000 }))),
  )
  const joining = await connect()
  const join1 = settled(joining.call(JoinGroup, 4, joinRequest))
  const idle = await connect()
  const deaf = await connect()
  deaf.stopReading()
  for (let i = 0; i < 20; i++) deaf.tell(Fetch, 12, fetchRequest('orders', 0, { partitionMaxBytes: 2 ** 30 }))
  await Promise.all(producers.map(producer => producer.acknowledgedMore(200)))

  const asked = performance.now()
  const code = await broker.end('SIGTERM')
  const tookMs = Math.round(performance.now() - asked)
  assert.equal(code, 0, broker.lines.join('\n'))
  assert.ok(tookMs < limitMs, `it took ${tookMs} ms`)
  for (const outcome of await Promise.all(parked)) assert.match(outcome, /^(answered|closed)$/)
  await Promise.all([join1, idle.closed, first.closed])
  const acknowledged = (await Promise.all(producers.map(producer => producer.ended()))).flat()

  const second = await serving(t, folder)
  const reader = await RawClient.connect(realWire, second.address)
  const { responses } = await reader.call(Fetch, 12, fetchRequest('orders', 0))
  const { highWatermark } = responses[0]!.partitions[0]!
  assert.equal(new Set(acknowledged).size, acknowledged.length)
  assert.ok(highWatermark > Math.max(...acknowledged), `${highWatermark} is not past what was acknowledged`)
  t.diagnostic(`ended ${tookMs} ms after SIGTERM, with ${acknowledged.length} records acknowledged of ${highWatermark}`)
  reader.close()
  assert.equal(await second.end('SIGTERM'), 0)
  assert.deepEqual(
    second.lines.filter(line => /recovered logs|cut off|cannot open/.test(line)),
    [],
  )
})

test('a kill is noticed by the next start, so that the test before shows something', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-shutdown-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const broker = await serving(t, folder)
  const client = await RawClient.connect(realWire, broker.address)
  await client.call(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true })
  await client.call(Produce, 9, produceRequest('orders', encodeBatch([{ value: 'v' }])))
  await broker.end('SIGKILL')
  const second = await serving(t, folder)
  await second.end('SIGKILL')
  assert.ok(second.lines.some(line => /recovered logs/.test(line)))
})

const joinRequest = {
  groupId: 'waiting',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: new Uint8Array(4) }],
}

async function serving(t: TestContext, folder: string): Promise<ServeProcess> {
  const broker = await ServeProcess.start(['--listen', '127.0.0.1:0', '--data', folder])
  closing(t).defer(async () => void (await broker.end('SIGKILL')))
  return broker
}

const settled = (call: Promise<unknown>): Promise<'answered' | 'closed'> =>
  call.then(
    () => 'answered' as const,
    () => 'closed' as const,
  )

/** Keeps five batches under way until its connection closes. */
class PipeliningProducer {
  readonly #client: RawClient
  readonly #offsets: number[] = []
  readonly #lanes: Promise<void>[]
  #waiting: { count: number; wake: () => void } | undefined

  constructor(client: RawClient) {
    this.#client = client
    this.#lanes = Array.from({ length: 5 }, () => this.#lane())
  }

  acknowledgedMore(count: number): Promise<void> {
    return new Promise(wake => {
      this.#waiting = { count: this.#offsets.length + count, wake }
    })
  }

  /** The offsets that were acknowledged before the connection closed. */
  async ended(): Promise<number[]> {
    await Promise.all(this.#lanes)
    return this.#offsets
  }

  async #lane(): Promise<void> {
    const batch = encodeBatch([{ value: Buffer.alloc(5_000, 1) }])
    while (!this.#client.isClosed) {
      const call = this.#client.call(Produce, 9, produceRequest('orders', batch.slice()))
      const answer = await call.catch(() => undefined)
      if (answer === undefined) return
      const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
      if (errorCode === ErrorCodes.NONE) this.#offsets.push(baseOffset)
      if (this.#waiting && this.#offsets.length >= this.#waiting.count) this.#waiting.wake()
    }
  }
}
