/** A start where there is nothing left: what is there is served, and what is written goes on when there is room again. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CreateTopics, ErrorCodes, encodeBatch, errorByCode, Fetch } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest } from '../../packages/broker/src/testing/test-broker.ts'
import { closing } from '../interop/broker-under-test.ts'
import { type ServeOptions, ServeProcess } from './serve-process.ts'
import { SmallDisk } from './small-disk.ts'
import { produce } from './written-folder.ts'

const batch = encodeBatch([{ key: 'k', value: 'x'.repeat(3000) }])

for (const scarce of ['bytes', 'inodes'] as const) {
  test(`a broker that ended in order starts again on a disk without ${scarce}`, async t => {
    const disk = SmallDisk.mount(scarce === 'bytes' ? { bytes: '16m' } : { inodes: 500 })
    if (disk === undefined) return t.skip('mounting a small tmpfs needs to be root')
    closing(t).defer(() => disk[Symbol.dispose]())
    await withRecords(t, disk.data, 2)
    if (scarce === 'bytes') disk.fill()
    else disk.takeInodes()
    const { broker, client } = await serving(t, disk.data)
    for (let partition = 0; partition < 2; partition++) assert.equal(await recordsIn(client, partition), 1)
    for (let i = 0, code = 0; i < 30 && code === 0; i++) {
      code = (await produce(client, 'orders', i % 2, batch)).errorCode
      assert.ok(code === ErrorCodes.NONE || errorByCode(code).retriable)
    }
    disk.free()
    const freed = performance.now()
    while ((await produce(client, 'orders', 0, batch)).errorCode !== ErrorCodes.NONE)
      assert.ok(performance.now() - freed < 10_000)
    assert.match(broker.lines.join('\n'), /the disk is full: started with the room kept back for that/)
    client.close()
    assert.equal(await broker.end('SIGTERM'), 0)
  })
}

const fewDescriptors = 36
const withoutPrlimit = spawnSync('prlimit', ['--version']).error ? 'prlimit is not installed' : false

test(`60 partitions start, are read and written with ${fewDescriptors} descriptors`, {
  skip: withoutPrlimit,
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-scarce-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  await withRecords(t, folder, 60, 'SIGKILL')
  const { broker, client } = await serving(t, folder, { through: ['prlimit', `--nofile=${fewDescriptors}`] })
  for (let partition = 0; partition < 60; partition++) {
    assert.equal(await recordsIn(client, partition), 1)
    assert.equal((await produce(client, 'orders', partition, batch)).errorCode, ErrorCodes.NONE)
    assert.equal(await recordsIn(client, partition), 2)
  }
  const others = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(realWire, broker.address)))
  for (const other of others) assert.equal(await recordsIn(other, 59), 2, 'what is kept open leaves room for clients')
  for (const each of [client, ...others]) each.close()
})

/** A record in each partition of `orders`, by a broker that is gone. */
async function withRecords(t: TestContext, folder: string, partitions: number, end: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {
  const { broker, client } = await serving(t, folder)
  const topic = { name: 'orders', numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 })
  for (let partition = 0; partition < partitions; partition++)
    assert.equal((await produce(client, 'orders', partition, batch)).errorCode, ErrorCodes.NONE)
  client.close()
  await broker.end(end)
}

async function serving(t: TestContext, folder: string, options: ServeOptions = {}) {
  const broker = await ServeProcess.start(['--listen', '127.0.0.1:0', '--data', folder], options)
  closing(t).defer(async () => void (await broker.end('SIGKILL')))
  return { broker, client: await RawClient.connect(realWire, broker.address) }
}

async function recordsIn(client: RawClient, partition: number): Promise<number> {
  const { responses } = await client.call(Fetch, 12, fetchRequest('orders', 0, { partition }))
  const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!
  assert.equal(errorCode, ErrorCodes.NONE)
  assert.ok(records !== null && records.length > 0)
  return highWatermark
}
