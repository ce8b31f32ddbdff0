/** What can happen to a machine: a crash in the middle of its work, a pause, a jump of its wall clock, a bit that turns over. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ear } from '../contract/wire.suite.ts'
import type { Connection } from '../wire.ts'
import { simulatedWorld } from './world.ts'

test('a crash at the k-th disk operation lets k happen whole, and that one as far as the seed allows', async () => {
  for (let k = 0; k < 6; k++) {
    const machine = simulatedWorld({ seed: k }).machine('m')
    const { disk } = machine.boot()
    let crashes = 0
    machine.crashAt(k, { unsynced: 'lost', crashed: () => crashes++ })
    let done = 0
    const work = async () => {
      const file = await disk.open('/log', 'create')
      done = 1
      file.write(0, [Buffer.from('abc')])
      done = 2
      // Two operations: its begin and its end.
      await file.sync()
      done = 4
      await disk.syncFolder('/')
      done = 6
    }
    await assert.rejects(work(), { code: 'EIO' })
    assert.equal(crashes, 1)
    assert.equal(done, [0, 1, 2, 2, 4, 4][k])
    assert.equal(machine.disk.operations, k + 1)
    const next = machine.boot().disk
    assert.equal(await next.exists('/log'), k === 5, 'only the end of the sync of the folder makes the name durable')
  }
})

test('a crash that was armed can be taken back', async () => {
  const machine = simulatedWorld({ seed: 1 }).machine('m')
  const { disk } = machine.boot()
  machine.crashAt(0)()
  await disk.open('/log', 'create')
  assert(await disk.exists('/log'))
})

test('a paused program hears nothing; when it goes on its timers fire first, then comes what arrived', async () => {
  const world = simulatedWorld({ seed: 4, disk: { syncMs: [1, 1] } })
  const machine = world.machine('broker')
  const { clock, disk, wire } = machine.boot()
  const heard: string[] = []
  let server: Connection | undefined
  await wire.listen({ host: '127.0.0.1', port: 9092 }, connection => {
    server = connection
    connection.handle({
      received: bytes => void heard.push(Buffer.from(bytes).toString()),
      closed: () => void heard.push('closed'),
    })
  })
  const client = new Ear(await world.clock.finish(world.wire.connect({ host: 'broker', port: 9092 })))
  const file = await disk.open('/log', 'create')

  machine.pause()
  assert(machine.isPaused)
  client.connection.send([Buffer.from('x')])
  void file.sync().then(() => heard.push('synced'))
  clock.timer(10, () => heard.push('timer'))
  const cancelled = clock.timer(10, () => heard.push('cancelled'))
  await world.clock.advance(50)
  assert.equal(heard.length, 0)

  machine.resume()
  cancelled.cancel()
  await world.clock.advance(1)
  assert.deepEqual(heard.toSorted(), ['synced', 'timer', 'x'])
  assert.equal(heard[0], 'timer')
  assert.equal(clock.monotonic(), world.clock.monotonic(), 'time went on meanwhile')

  machine.pause()
  client.connection.destroy()
  await world.clock.advance(50)
  assert.equal(heard.length, 3)
  machine.resume()
  await world.clock.advance(1)
  assert.equal(heard.at(-1), 'closed')
  server!.destroy()
})

test('a connection to a paused program opens when it goes on', async () => {
  const world = simulatedWorld({ seed: 5 })
  const machine = world.machine('broker')
  await machine.boot().wire.listen({ host: '127.0.0.1', port: 9092 }, () => {})
  machine.pause()
  let isOpen = false
  void world.wire.connect({ host: 'broker', port: 9092 }).then(() => (isOpen = true))
  await world.clock.advance(1_000)
  assert(!isOpen)
  machine.resume()
  await world.clock.advance(10)
  assert(isOpen)
})

test('what waited for a paused program does not happen to the one that comes after a crash', async () => {
  const world = simulatedWorld({ seed: 6 })
  const machine = world.machine('m')
  let fired = 0
  machine.boot().clock.timer(5, () => fired++)
  machine.pause()
  await world.clock.advance(10)
  machine.crash()
  machine.boot().clock.timer(5, () => (fired += 10))
  await world.clock.advance(10)
  assert.equal(fired, 10)
})

test('the wall clock of one machine jumps; the others, and timers, do not notice', async () => {
  const world = simulatedWorld({ seed: 7 })
  const machine = world.machine('m')
  const { clock } = machine.boot()
  const other = world.machine('n').boot().clock
  machine.jump(-3_600_000)
  assert.equal(other.now() - clock.now(), 3_600_000)
  assert.equal(clock.monotonic(), other.monotonic())
  machine.crash()
  assert.equal(other.now() - machine.boot().clock.now(), 3_600_000, 'a restart does not set it right')
})

test('a bit that turns over is read, and stays through a crash', async () => {
  const { disk } = simulatedWorld({ seed: 8 })
  const file = await disk.open('/log', 'create')
  file.write(0, [Uint8Array.of(1, 2, 3)])
  await file.sync()
  await disk.syncFolder('/')
  disk.rot('/log', 1, 0)
  assert.deepEqual(await file.read(0, 3), Uint8Array.of(1, 3, 3))
  disk.crash()
  assert.deepEqual(await disk.readFile('/log'), Uint8Array.of(1, 3, 3))
})
