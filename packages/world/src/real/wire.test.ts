import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wireContract } from '../contract/wire.suite.ts'
import { realWire } from './wire.ts'

wireContract('TCP', () => ({ wire: realWire, drive: promise => promise }))

test('a connection over IPv6 loopback works where the machine has it', async t => {
  const listener = await realWire
    .listen({ host: '::1', port: 0 }, connection => connection.handle({ received() {}, closed() {} }))
    .catch(() => undefined)
  if (listener === undefined) return t.skip('no IPv6 here')
  const connection = await realWire.connect(listener.address)
  assert.deepEqual(connection.remote, listener.address)
  const closed = Promise.withResolvers<Error | undefined>()
  connection.handle({ received() {}, closed: closed.resolve })
  connection.end()
  assert.equal(await closed.promise, undefined)
  await listener.close()
})

test('a name that does not exist says so', async () => {
  await assert.rejects(realWire.connect({ host: 'no-such-host.invalid', port: 1 }), error =>
    /^(ENOTFOUND|EAI_AGAIN)$/.test((error as { code: string }).code),
  )
})
