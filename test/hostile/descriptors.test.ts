/** More connections than the broker may have open files: it goes on with those it has, and takes others when there is room again. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ErrorCodes, encodeBatch, Metadata } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { ServeProcess } from '../durability/serve-process.ts'
import { closing } from '../interop/broker-under-test.ts'

const openFiles = 80
const withoutPrlimit = spawnSync('prlimit', ['--version']).error ? 'prlimit is not installed' : false

test(`200 connections to a broker that may open ${openFiles} files`, { skip: withoutPrlimit }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-descriptors-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const args = ['--listen', '127.0.0.1:0', '--data', folder]
  const broker = await ServeProcess.start(args, { through: ['prlimit', `--nofile=${openFiles}`] })
  closing(t).defer(async () => void (await broker.end('SIGKILL')))
  const client = await RawClient.connect(realWire, broker.address)
  const create = async (name: string) => {
    const { topics } = await client.call(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: true })
    return topics[0]!.errorCode
  }
  const produce = async (topic: string) => (await produceTo(client, topic, encodeBatch([{ value: 'v' }]))).errorCode
  assert.equal(await create('before'), ErrorCodes.NONE)
  assert.equal(await produce('before'), ErrorCodes.NONE)

  const crowd = await Promise.all(Array.from({ length: 200 }, () => opened(broker.address)))
  // Those for whom there is no descriptor are closed; the others stay.
  await Promise.any(crowd.map(socket => once(socket, 'close')))
  assert.equal(await produce('before'), ErrorCodes.NONE)
  // Closing what is idle may give it one more; what it must not do is to make half a topic.
  const refused = (await create('meanwhile')) !== ErrorCodes.NONE

  for (const socket of crowd) socket.resetAndDestroy()
  const topics = await topicsSeenByNewcomer(broker.address)
  assert.deepEqual(topics.sort(), refused ? ['before'] : ['before', 'meanwhile'])
  assert.equal(await create('meanwhile'), ErrorCodes.NONE)
  assert.equal(await produce('meanwhile'), ErrorCodes.NONE)
  client.close()
  assert.equal(await broker.end('SIGTERM'), 0)
})

/** Connects again and again until it is let in. */
async function topicsSeenByNewcomer(to: { host: string; port: number }): Promise<(string | null)[]> {
  for (const deadline = performance.now() + 5_000; ; ) {
    const client = await RawClient.connect(realWire, to)
    try {
      return (await client.call(Metadata, 12, { topics: null })).topics.map(topic => topic.name)
    } catch (error) {
      if (performance.now() > deadline) throw error
    } finally {
      client.close()
    }
  }
}

async function opened(to: { host: string; port: number }): Promise<Socket> {
  const socket = connect(to)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket.resume()
}
