/**
 * Consumers that ask for 50 MiB each and read nothing, from the start or after a while of reading well: the broker's memory stays,
 * and others go on.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ErrorCodes, encodeBatch, Fetch } from '@odradek/protocol'
import type { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { closing } from '../interop/broker-under-test.ts'
import { Target } from './target.ts'

const mebibyte = 1024 * 1024
const asked = 50 * mebibyte
const fromTheStart = () => fetchRequest('bystander', 0, { partitionMaxBytes: asked, maxBytes: asked })

test('100 consumers that never read cost less than 128 MiB', async t => {
  const target = await targetWithRecords(t)
  const deaf = await connected(target, 100)
  await turnDeaf(t, target, deaf)
  deaf[0]!.readAgain()
  const { responses } = await deaf[0]!.call(Fetch, 12, fetchRequest('bystander', 0, { partitionMaxBytes: 1000 }))
  assert.ok(responses[0]!.partitions[0]!.records!.length > 0)
})

test('10 consumers that read well, and then never again, cost less than 128 MiB', async t => {
  const target = await targetWithRecords(t)
  const clients = await connected(target, 10)
  // Each answer earns one of twice the size.
  for (const client of clients) for (let i = 0; i < 6; i++) await client.call(Fetch, 12, fromTheStart())
  await turnDeaf(t, target, clients)
})

async function targetWithRecords(t: TestContext): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-slow-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const target = await Target.start(t, ['--data', folder])
  const writer = await target.connect()
  const batch = encodeBatch([{ value: Buffer.alloc(100_000, 1) }])
  for (let i = 0; i < 400; i++)
    assert.equal((await produceTo(writer, 'bystander', batch.slice())).errorCode, ErrorCodes.NONE)
  return target
}

const connected = (target: Target, count: number): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => target.connect()))

async function turnDeaf(t: TestContext, target: Target, clients: readonly RawClient[]): Promise<void> {
  const before = target.broker.residentBytes
  target.bystander.slowestMs = 0
  for (const client of clients) {
    client.stopReading()
    for (let i = 0; i < 4; i++) client.tell(Fetch, 12, fromTheStart())
  }
  await target.bystander.rounds(200)
  const grown = Math.round((target.broker.peakBytes - before) / mebibyte)
  const { slowestMs } = target.bystander
  t.diagnostic(`memory grew by ${grown} MiB; slowest round of the bystander ${Math.round(slowestMs)} ms`)
  assert.ok(grown < 128, `memory grew by ${grown} MiB`)
}
