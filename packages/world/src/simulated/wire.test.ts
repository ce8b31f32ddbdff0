import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ear, pairOn, type WireUnderTest, wireContract } from '../contract/wire.suite.ts'
import type { Connection } from '../wire.ts'
import { simulatedWorld } from './world.ts'

let seed = 0
wireContract('the simulated wire', () => {
  const { wire, clock } = simulatedWorld({ seed: seed++ })
  return { wire, drive: promise => clock.finish(promise) }
})

/** A connection from host a to host b. */
async function aToB(seed: number) {
  const world = simulatedWorld({ seed })
  const accepted = Promise.withResolvers<Connection>()
  await world.wire.from('b').listen({ host: '0.0.0.0', port: 9092 }, accepted.resolve)
  const near = await world.clock.finish(world.wire.from('a').connect({ host: 'b', port: 9092 }))
  return { ...world, near, far: await accepted.promise }
}

test('whatever the seed, one direction is a queue: nothing lost, nothing out of order', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const { clock, wire } = simulatedWorld({ seed, weather: { splitChance: 0.8, delayMs: [0, 50] } })
    const under: WireUnderTest = { wire, drive: promise => clock.finish(promise) }
    const { near, far } = await pairOn(under)
    const server = new Ear(far)
    const client = new Ear(near)
    const sent = Buffer.from(Array.from({ length: 3_000 }, (_, i) => i % 256))
    for (let at = 0; at < sent.length; at += 100) {
      near.send([sent.subarray(at, at + 100)])
      await clock.advance(seed % 3)
    }
    near.end()
    await clock.finish(Promise.all([server.closed, client.closed]))
    assert.deepEqual(Buffer.from(server.received), sent)
    assert.equal(client.closings.length, 1)
  }
})

test('one seed is one history; another seed is another', async () => {
  const traceOf = async (seed: number) => {
    const { clock, wire } = simulatedWorld({ seed, weather: { cutChance: 0.01 } })
    const { near, far } = await pairOn({ wire, drive: promise => clock.finish(promise) })
    const trace: string[] = []
    far.handle({
      received: bytes => trace.push(`${clock.monotonic()} ${bytes.length}`),
      closed: error => trace.push(`${clock.monotonic()} closed ${error?.message}`),
    })
    near.handle({ received() {}, closed() {} })
    for (let i = 1; i < 100; i++) near.send([Buffer.alloc(i)])
    near.end()
    await clock.advance(10_000)
    return trace.join('\n')
  }
  assert.equal(await traceOf(7), await traceOf(7))
  assert.notEqual(await traceOf(7), await traceOf(8))
})

test('a partition holds bytes and connects back until it is healed', async () => {
  const { clock, wire, near, far } = await aToB(1)
  const server = new Ear(far)
  wire.partition('a', 'b')
  near.send([Buffer.from('hello')])
  let connected = false
  const connecting = wire
    .from('a')
    .connect({ host: 'b', port: 9092 })
    .then(() => {
      connected = true
    })
  await clock.advance(60_000)
  assert.equal(server.received.length, 0)
  assert.equal(connected, false)
  wire.heal('a', 'b')
  await clock.finish(connecting)
  assert.equal(Buffer.from(server.received).toString(), 'hello')
})

test('a connect into a partition times out as on Linux', async () => {
  const { clock, wire } = await aToB(1)
  wire.partition('b', 'a')
  await assert.rejects(clock.finish(wire.from('a').connect({ host: 'b', port: 9092 })), { code: 'ETIMEDOUT' })
})

test('a cut loses what is under way and tells both ends of a reset, once', async () => {
  const { clock, wire, near, far } = await aToB(2)
  const server = new Ear(far)
  const client = new Ear(near)
  near.send([Buffer.alloc(1_000)])
  wire.cut('a', 'b')
  wire.cut()
  await clock.advance(1_000)
  assert.equal(server.received.length, 0)
  for (const ear of [server, client])
    assert.deepEqual(
      ear.closings.map(error => (error as { code?: string }).code),
      ['ECONNRESET'],
    )
})

test('a refusing host takes no new connection and keeps those it has', async () => {
  const { clock, wire, near, far } = await aToB(2)
  const server = new Ear(far)
  wire.refuse('b')
  await assert.rejects(clock.finish(wire.from('a').connect({ host: 'b', port: 9092 })), { code: 'ECONNREFUSED' })
  near.send([Buffer.from('still')])
  await clock.advance(100)
  assert.equal(server.received.length, 5)
  wire.refuse('b', false)
  await clock.finish(wire.from('a').connect({ host: 'b', port: 9092 }))
})
