/** The chaos proxy does what it is told, to nobody else's bytes, and the same again from the same seed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { encodeRequest, Heartbeat, Metadata } from '@odradek/protocol'
import { closing, Waiter } from '../interop/broker-under-test.ts'
import { ChaosProxy, type Weather } from './chaos-proxy.ts'

/** A broker that answers each frame with a frame of its correlation id and 1,000 bytes. */
async function scene(t: TestContext, weather: Weather = {}, seed = 1) {
  const answered: number[] = []
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => {})
    onFrames(socket, frame => {
      const id = frame.readInt32BE(8)
      answered.push(id)
      const answer = Buffer.alloc(1_004)
      answer.writeInt32BE(1_000)
      answer.writeInt32BE(id, 4)
      socket.write(answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', socket => sockets.add(socket))
  closing(t).defer(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as { port: number }
  const proxy = closing(t).use(await ChaosProxy.start({ host: '127.0.0.1', port }, seed))
  proxy.weather = weather
  return { proxy, answered }
}

function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
      const end = 4 + rest.readInt32BE()
      take(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  })
}

async function client(t: TestContext, proxy: ChaosProxy) {
  const socket = connect({ ...proxy.address, noDelay: true })
  closing(t).defer(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  const frames = new Waiter<number>()
  const chunks: number[] = []
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  socket.on('data', chunk => chunks.push(chunk.length))
  onFrames(socket, frame => frames.add(frame.readInt32BE(4)))
  const ask = (correlationId: number, api = 'heartbeat') => {
    const header = { correlationId, clientId: 'me' }
    const request = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
    const bytes =
      api === 'heartbeat'
        ? encodeRequest(Heartbeat, 3, header, request)
        : encodeRequest(Metadata, 4, header, { topics: null, allowAutoTopicCreation: false })
    socket.write(Buffer.concat(bytes))
  }
  return { ask, frames, chunks, closed }
}

test('in good weather every frame passes, in order', async t => {
  const { proxy } = await scene(t)
  const { ask, frames } = await client(t, proxy)
  for (let id = 0; id < 50; id++) ask(id)
  assert.deepEqual(await frames.until(seen => seen.length === 50, 'fifty answers'), [...Array(50).keys()])
})

test('frames in pieces of one byte arrive whole', async t => {
  const { proxy, answered } = await scene(t, { requests: { chunkBytes: 1 }, responses: { chunkBytes: 1 } })
  const { ask, frames, chunks } = await client(t, proxy)
  for (let id = 0; id < 3; id++) ask(id)
  await frames.until(seen => seen.length === 3, 'three answers')
  assert.deepEqual(answered, [0, 1, 2])
  assert.ok(chunks.length > 100, `${chunks.length} pieces for 3,012 bytes`)
})

test('a delay holds each answer back, and keeps their order', async t => {
  const { proxy } = await scene(t, { responses: { delayMs: [40, 80] } })
  const { ask, frames } = await client(t, proxy)
  const asked = performance.now()
  for (let id = 0; id < 10; id++) ask(id)
  assert.deepEqual(await frames.until(seen => seen.length === 10, 'ten answers'), [...Array(10).keys()])
  assert.ok(performance.now() - asked >= 40)
})

test('a rate is not exceeded', async t => {
  const { proxy } = await scene(t, { responses: { bytesPerSecond: 50_000 } })
  const { ask, frames } = await client(t, proxy)
  const asked = performance.now()
  for (let id = 0; id < 10; id++) ask(id)
  await frames.until(seen => seen.length === 10, 'ten answers')
  assert.ok(performance.now() - asked >= 180, '10,040 bytes at 50,000 a second')
})

test('a black hole keeps everything, and lets it go when it ends', async t => {
  const { proxy, answered } = await scene(t)
  const { ask, frames } = await client(t, proxy)
  ask(1)
  await frames.until(seen => seen.length === 1, 'the first answer')
  proxy.weather = { responses: { isSilent: true } }
  ask(2)
  const other = await client(t, proxy)
  other.ask(3)
  proxy.weather = { ...proxy.weather, requests: { isSilent: true } }
  ask(4)
  assert.ok(!answered.includes(4))
  assert.equal(frames.seen.length, 1)
  proxy.weather = {}
  await frames.until(seen => seen.includes(4), 'what was held back')
  await other.frames.until(seen => seen.includes(3), 'the answer to the other')
})

test('a frame is cut in half and the connection reset', async t => {
  const { proxy } = await scene(t, { cutFrames: 1 })
  const { ask, closed, frames } = await client(t, proxy)
  ask(1)
  await closed
  assert.equal(frames.seen.length, 0)
  assert.equal(proxy.tally.cutFrames, 1)
})

test('only answers of the API that is named are lost, and their requests have been served', async t => {
  const { proxy, answered } = await scene(t, { loseResponses: { apiKeys: [Heartbeat.key], chance: 1 } })
  const { ask, closed, frames } = await client(t, proxy)
  ask(1, 'metadata')
  await frames.until(seen => seen.length === 1, 'the answer to Metadata')
  ask(2)
  await closed
  assert.deepEqual(answered, [1, 2])
  assert.deepEqual(frames.seen, [1])
  assert.equal(proxy.tally.lostResponses, 1)
})

test('a request that is replayed is served again, on another connection, and answered once', async t => {
  const { proxy, answered } = await scene(t, { replayRequests: { apiKeys: [Heartbeat.key], chance: 1 } })
  const { ask, frames } = await client(t, proxy)
  ask(7)
  await frames.until(seen => seen.length === 1, 'the answer')
  proxy.weather = {}
  for (let id = 8; answered.filter(each => each === 7).length < 2; id++) {
    ask(id)
    await frames.until(seen => seen.includes(id), 'an answer')
  }
  assert.equal(frames.seen.filter(id => id === 7).length, 1)
})

test('a request that goes astray loses its connection and arrives later, on another', async t => {
  const { proxy, answered } = await scene(t, {
    strayRequests: { apiKeys: [Heartbeat.key], chance: 1, delayMs: [40, 50] },
  })
  const { ask, closed, frames } = await client(t, proxy)
  const asked = performance.now()
  ask(1)
  await closed
  assert.equal(answered.length, 0, 'the broker has not seen it when its connection is gone')
  assert.equal(proxy.tally.strayRequests, 1)
  const other = await client(t, proxy)
  for (let id = 2; !answered.includes(1); id++) {
    other.ask(id, 'metadata')
    await other.frames.until(seen => seen.includes(id), 'an answer')
  }
  assert.ok(performance.now() - asked >= 39)
  assert.equal(frames.seen.length, 0)
})

test('the same seed cuts the same frames', async t => {
  const survivors = async (seed: number) => {
    const { proxy } = await scene(t, { cutFrames: 0.1 }, seed)
    const { ask, closed, frames } = await client(t, proxy)
    for (let id = 0; proxy.tally.cutFrames === 0; id++) {
      ask(id)
      await Promise.race([closed, frames.until(seen => seen.includes(id), 'an answer')])
    }
    return frames.seen.length
  }
  assert.equal(await survivors(5), await survivors(5))
  const counts = new Set([await survivors(5), await survivors(6), await survivors(7), await survivors(8)])
  assert.ok(counts.size > 1)
})
