import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createServer } from 'node:tls'
import { Ear } from '../contract/wire.suite.ts'
import { realWire } from './wire.ts'

// For localhost and 127.0.0.1, valid for a century, used nowhere else.
const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUaeZF72BLAv/vv1XLmA4t7tovpXcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE0MjczMVoYDzIxMjYxMDI5
MTQyNzMxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATRz7iMJOkrt8kpyqFGbj7pCmO+ewYwMY5NfUCQKbHAnGXO6r6Ngq38
drNQzlSZOOsC4Dm2gPhQeoeAjbWBVqW/o28wbTAdBgNVHQ4EFgQUkd0u2mAI87/O
Vev7+S75aUgrXRAwHwYDVR0jBBgwFoAUkd0u2mAI87/OVev7+S75aUgrXRAwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAMTtnUyXrdoejK7cmmSn0P/YW4VhuueTRtZhTbb6TMxrAiBC
GvM/ApzJ+H7zuOw9igWcuciUDA9rUhRHuodFGaxrnA==
-----END CERTIFICATE-----`
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVIaKeOeS08SAUg43
9jyUBsV52xd/F04VXEyZEAvo/jehRANCAATRz7iMJOkrt8kpyqFGbj7pCmO+ewYw
MY5NfUCQKbHAnGXO6r6Ngq38drNQzlSZOOsC4Dm2gPhQeoeAjbWBVqW/
-----END PRIVATE KEY-----`

const server = createServer({ cert, key }, socket =>
  socket.on('error', () => {}).on('data', bytes => socket.write(bytes)),
)
let port = 0

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
after(() => {
  server.close()
})

test('TLS carries bytes both ways where the certificate is trusted, by name and by address', async () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const ear = new Ear(await realWire.connect({ host, port }, { tls: { ca: cert } }))
    ear.connection.send([Buffer.from('hel'), Buffer.from('lo')])
    await ear.until(() => ear.received.length === 5)
    assert.equal(Buffer.from(ear.received).toString(), 'hello')
    ear.connection.end()
    await ear.closed
    assert.deepEqual(ear.closings, [undefined])
  }
})

test('a certificate nobody vouches for, or of another name, is refused', async () => {
  await assert.rejects(realWire.connect({ host: '127.0.0.1', port }, { tls: {} }), {
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  const wrongName = { tls: { ca: cert, servername: 'example.org' } }
  await assert.rejects(realWire.connect({ host: '127.0.0.1', port }, wrongName), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
})

test('TLS to a port that does not speak it fails instead of waiting', async () => {
  const plain = await realWire.listen({ host: '127.0.0.1', port: 0 }, connection => {
    connection.handle({ received: () => connection.destroy(), closed() {} })
  })
  await assert.rejects(realWire.connect(plain.address, { tls: { ca: cert } }), { code: 'ECONNRESET' })
  await plain.close()
})
