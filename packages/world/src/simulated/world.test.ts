import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep } from '../clock.ts'
import { Ear } from '../contract/wire.suite.ts'
import { simulatedWorld } from './world.ts'

test('a crashed machine forgets its timers and connections; the next life starts with what was synced', async () => {
  const world = simulatedWorld({ seed: 3 })
  const machine = world.machine('broker')
  const life = machine.boot()
  const file = await life.disk.open('/log', 'create')
  file.write(0, [Buffer.from('abc')])
  await file.sync()
  await life.disk.syncFolder('/')
  let fired = false
  life.clock.timer(10, () => {
    fired = true
  })
  await life.wire.listen({ host: '127.0.0.1', port: 9092 }, () => {})
  const client = new Ear(await world.clock.finish(world.wire.connect({ host: 'broker', port: 9092 })))
  machine.crash()
  await world.clock.advance(100)
  assert.equal(fired, false)
  assert.equal((client.closings[0] as { code?: string }).code, 'ECONNRESET')
  await assert.rejects(life.disk.open('/log', 'create'), { code: 'EIO' })
  await assert.rejects(life.wire.connect({ host: 'broker', port: 9092 }), { code: 'EIO' })
  await assert.rejects(world.clock.finish(world.wire.connect({ host: 'broker', port: 9092 })), { code: 'ECONNREFUSED' })
  const next = machine.boot()
  assert.equal(Buffer.from(await next.disk.readFile('/log')).toString(), 'abc')
  await world.clock.finish(sleep(next.clock, 5))
})

test('chance is of the seed, and of its own for each part of the world', () => {
  const draws = (seed: number) => Array.from({ length: 5 }, () => simulatedWorld({ seed }).random.int(1e9))
  assert.deepEqual(draws(1), draws(1))
  assert.notDeepEqual(draws(1), draws(2))
  const world = simulatedWorld({ seed: 1 })
  assert.notEqual(world.machine('a').boot().random.next(), world.machine('b').boot().random.next())
})
