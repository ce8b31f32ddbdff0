import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiVersions, Fetch } from '@odradek/protocol'
import { type Connection, memoryDisk, memoryWire, realClock, realRandom, type Wire } from '@odradek/world'
import { fetchRequest, produceTo, TestBroker } from './testing/test-broker.ts'

/** Tells of every look at what a connection of a listener has not sent. */
function watched(wire: Wire, looked: () => void): Wire {
  const watchedConnection = (of: Connection): Connection => ({
    local: of.local,
    remote: of.remote,
    handle: events => of.handle(events),
    send: chunks => of.send(chunks),
    get queuedBytes() {
      looked()
      return of.queuedBytes
    },
    pause: () => of.pause(),
    resume: () => of.resume(),
    end: () => of.end(),
    destroy: () => of.destroy(),
  })
  return {
    listen: (at, accept) => wire.listen(at, connection => accept(watchedConnection(connection))),
    connect: (to, options) => wire.connect(to, options),
  }
}

test('what a large fetch costs does not grow with the connections that are idle', async () => {
  let looks = 0
  const wire = watched(memoryWire(), () => looks++)
  const world = { clock: realClock, random: realRandom, disk: memoryDisk(), wire }
  await using broker = await TestBroker.start({ world })
  await broker.topic('orders')
  const client = await broker.client()
  await produceTo(client, 'orders', [{ value: Buffer.alloc(100) }])
  const looksOf = async (rounds: number) => {
    const before = looks
    for (let i = 0; i < rounds; i++)
      await client.call(Fetch, 11, fetchRequest('orders', 0, { partitionMaxBytes: 8 * 1024 * 1024 }))
    return looks - before
  }
  // The allowance of a connection begins small.
  await looksOf(5)
  const alone = await looksOf(20)
  for (let i = 0; i < 200; i++) await (await broker.client()).call(ApiVersions, 0, {})
  await looksOf(1)
  const amongMany = await looksOf(20)
  assert.ok(amongMany <= 2 * alone, `20 fetches looked at connections ${alone} times alone, ${amongMany} among 200`)
})
