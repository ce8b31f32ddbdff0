/** What every wire does, whatever it is made of. `drive` makes a promise come true where time must be driven. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Connection, Listener, Wire } from '../wire.ts'

export interface WireUnderTest {
  wire: Wire
  drive<T>(promise: Promise<T>): Promise<T>
}

const failsWith = (code: string) => (error: unknown) => (error as { code?: string }).code === code

/** Gathers what one end is told. */
export class Ear {
  received: Uint8Array = Buffer.alloc(0)
  closings: (Error | undefined)[] = []
  drains = 0
  readonly closed: Promise<void>
  readonly connection: Connection
  #heard: (() => void)[] = []

  constructor(connection: Connection, answer?: (bytes: Uint8Array) => void) {
    this.connection = connection
    this.closed = new Promise(resolve => {
      connection.handle({
        received: bytes => {
          this.received = Buffer.concat([this.received, bytes])
          answer?.(bytes)
          for (const tell of this.#heard.splice(0)) tell()
        },
        drained: () => {
          this.drains++
          for (const tell of this.#heard.splice(0)) tell()
        },
        closed: error => {
          this.closings.push(error)
          for (const tell of this.#heard.splice(0)) tell()
          resolve()
        },
      })
    })
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>(resolve => {
        this.#heard.push(resolve)
      })
    }
  }
}

export async function pairOn(
  { wire, drive }: WireUnderTest,
  host = '127.0.0.1',
): Promise<{ near: Connection; far: Connection; listener: Listener }> {
  const accepted = Promise.withResolvers<Connection>()
  const listener = await drive(wire.listen({ host, port: 0 }, accepted.resolve))
  const near = await drive(wire.connect({ host, port: listener.address.port }))
  return { near, far: await drive(accepted.promise), listener }
}

export function wireContract(name: string, make: () => WireUnderTest): void {
  describe(`${name} is a wire`, () => {
    for (const [claim, check] of Object.entries(claims)) test(claim, () => check(make))
  })
}

const claims: Record<string, (make: () => WireUnderTest) => Promise<void>> = {
  'bytes arrive in order, both ways, and both ends learn once that it is over': async make => {
    const under = make()
    const { near, far, listener } = await pairOn(under)
    const server = new Ear(far, bytes => far.send([bytes]))
    const client = new Ear(near)
    const sent = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251))
    for (let at = 0; at < sent.length; at += 5_000)
      near.send([sent.subarray(at, at + 10), sent.subarray(at + 10, at + 5_000)])
    await under.drive(client.until(() => client.received.length === sent.length))
    assert.deepEqual(Buffer.from(client.received), sent)
    assert.deepEqual(near.remote, { host: '127.0.0.1', port: listener.address.port })
    near.end()
    await under.drive(Promise.all([client.closed, server.closed]))
    assert.deepEqual([client.closings, server.closings], [[undefined], [undefined]])
    assert.equal(near.send([sent]), false)
    await under.drive(listener.close())
  },
  'what was sent before the end arrives before it': async make => {
    const under = make()
    const { near, far, listener } = await pairOn(under)
    const server = new Ear(far)
    new Ear(near)
    near.send([Buffer.alloc(300_000, 1)])
    near.end()
    await under.drive(server.closed)
    assert.equal(server.received.length, 300_000)
    await under.drive(listener.close())
  },
  'a paused reader makes the sender wait; all arrives after it resumes': async make => {
    const under = make()
    const { near, far, listener } = await pairOn(under)
    const server = new Ear(far)
    const client = new Ear(near)
    far.pause()
    const chunk = Buffer.alloc(1_000_000, 1)
    let sent = 0
    let goOn = true
    // More than a system's socket buffers hold.
    while (goOn || sent < 20) {
      goOn = near.send([chunk])
      sent++
    }
    assert.ok(near.queuedBytes > 0)
    assert.equal(client.drains, 0)
    far.resume()
    await under.drive(client.until(() => client.drains === 1))
    assert.equal(near.queuedBytes, 0)
    await under.drive(server.until(() => server.received.length === sent * chunk.length))
    near.destroy()
    await under.drive(Promise.all([client.closed, server.closed]))
    await under.drive(listener.close())
  },
  'the receiver may change the bytes it got without changing those sent': async make => {
    const under = make()
    const { near, far, listener } = await pairOn(under)
    const server = new Ear(far, bytes => bytes.fill(9))
    new Ear(near)
    const mine = Buffer.from('mine')
    near.send([mine])
    await under.drive(server.until(() => server.received.length === 4))
    assert.equal(mine.toString(), 'mine')
    far.destroy()
    await under.drive(server.closed)
    await under.drive(listener.close())
  },
  'nobody listens: refused; twice on one port: in use; closed: refused again': async make => {
    const under = make()
    const { wire, drive } = under
    const listener = await drive(wire.listen({ host: '127.0.0.1', port: 0 }, () => {}))
    const { port } = listener.address
    await assert.rejects(drive(wire.listen({ host: '127.0.0.1', port }, () => {})), failsWith('EADDRINUSE'))
    await drive(listener.close())
    await assert.rejects(drive(wire.connect({ host: '127.0.0.1', port })), failsWith('ECONNREFUSED'))
    const again = await drive(wire.listen({ host: '127.0.0.1', port }, () => {}))
    await drive(again.close())
  },
  'an aborted connect rejects with the reason': async make => {
    const { wire, drive } = make()
    const listener = await drive(wire.listen({ host: '127.0.0.1', port: 0 }, connection => connection.destroy()))
    const controller = new AbortController()
    const connecting = wire.connect(listener.address, { signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    await assert.rejects(drive(connecting), /changed my mind/)
    await assert.rejects(drive(wire.connect(listener.address, { signal: controller.signal })), /changed my mind/)
    await drive(listener.close())
  },
  'an end that is handled late is told all the same': async make => {
    const under = make()
    const { near, far, listener } = await pairOn(under)
    new Ear(far)
    far.send([Buffer.from('hello')])
    far.end()
    const client = new Ear(near)
    await under.drive(client.closed)
    assert.equal(Buffer.from(client.received).toString(), 'hello')
    near.destroy()
    const late = new Ear(near)
    await under.drive(late.closed)
    assert.equal(late.closings.length, 1)
    await under.drive(listener.close())
  },
}
