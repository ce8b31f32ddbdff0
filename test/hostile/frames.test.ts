/**
 * Bytes that are no requests, over TCP, while somebody else produces and fetches: the connection closes with a line in the log that
 * says why, memory stays, and the bystander notices nothing.
 */
import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { Target } from './target.ts'

const mebibyte = 1024 * 1024
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
/** Metadata v1 of all topics, whole. */
const request = Buffer.from('0000000e00030001000000630000ffffffff', 'hex')

const hostile: Record<string, { bytes: Buffer; says: RegExp }> = {
  'a length of -1': { bytes: int32(-1), says: /frame length -1 is not between 0 and 104857600/ },
  'a length of 0': { bytes: int32(0), says: /RequestHeader/ },
  'a length of 2^31 - 1': { bytes: int32(2 ** 31 - 1), says: /frame length 2147483647/ },
  'a length of -2^31': { bytes: int32(-(2 ** 31)), says: /frame length -2147483648/ },
  '100 MiB and a byte': { bytes: int32(100 * mebibyte + 1), says: /frame length 104857601/ },
  'an HTTP request': { bytes: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), says: /HTTP/ },
  'a TLS ClientHello': {
    bytes: Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), randomFillSync(Buffer.alloc(506))]),
    says: /TLS/,
  },
}

test('foreign and false bytes', async t => {
  const target = await Target.start(t)
  for (const [name, { bytes, says }] of Object.entries(hostile)) {
    await t.test(`${name} close the connection, and the log says why`, async () => {
      const before = target.broker.lines.length
      const socket = await opened(target)
      socket.write(bytes)
      await once(socket, 'close')
      assert.match(await target.line(/warn +closing a connection/, before), says)
    })
  }

  await t.test('requests cut off anywhere, and then nothing: the connection ends without an answer', async () => {
    await Promise.all(
      Array.from(request, async (_, length) => {
        const socket = await opened(target)
        let received = 0
        socket.on('data', chunk => (received += chunk.length))
        socket.end(request.subarray(0, length))
        await once(socket, 'close')
        assert.equal(received, 0)
      }),
    )
  })

  await t.test('a request that comes a byte at a time is answered', async () => {
    const socket = await opened(target)
    const answer = once(socket, 'data')
    for (const byte of request) {
      socket.write(Uint8Array.of(byte))
      await target.bystander.rounds(1)
    }
    assert.equal((await answer)[0].readInt32BE(4), 99)
    socket.resetAndDestroy()
  })

  await t.test(
    '500 connections, each with a claim of 100 MiB and a few bytes of it, hold next to nothing',
    async () => {
      const sockets = await Promise.all(Array.from({ length: 500 }, () => opened(target)))
      for (const socket of sockets) socket.write(Buffer.concat([int32(100 * mebibyte), Buffer.alloc(1000)]))
      await target.bystander.rounds(50)
      for (const socket of sockets) socket.resetAndDestroy()
      await target.bystander.rounds(50)
    },
  )

  await t.test('500 connections opened and dropped, half of them with a reset', async () => {
    for (let wave = 0; wave < 5; wave++) {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => opened(target)))
      for (const [i, socket] of sockets.entries()) {
        if (i % 2 === 0) socket.resetAndDestroy()
        else socket.destroy()
      }
    }
    await target.bystander.rounds(50)
  })

  await t.test('random bytes', async () => {
    const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)
    for (let i = 0; i < 200; i++) {
      const socket = await opened(target)
      socket.end(noise(seed + i, 1 + ((i * 37) % 3000)))
      await once(socket, 'close')
    }
  })

  await target.bystander.rounds(20)
  assert.ok(target.grownBytes < 64 * mebibyte, `memory grew by ${Math.round(target.grownBytes / mebibyte)} MiB`)
  assert.ok(target.bystander.slowestMs < 2_000, `the bystander once waited ${target.bystander.slowestMs} ms`)
  t.diagnostic(
    `slowest round of the bystander ${Math.round(target.bystander.slowestMs)} ms of ${target.bystander.done}; ` +
      `memory grew by ${Math.round(target.grownBytes / mebibyte)} MiB`,
  )
})

async function opened(target: Target): Promise<Socket> {
  const socket = connect({ ...target.broker.address, noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.resume()
  return socket
}

/** The same bytes for the same seed. */
function noise(seed: number, length: number): Buffer {
  let state = seed
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
      return state >>> 16
    }),
  )
}
