/** Plain text and TLS mixed up, over real sockets: people must read what is wrong, soon. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { Kafka } from '../kafka.ts'
import { testCluster } from '../testing/test-cluster.ts'

test('a plain client at a TLS listener is told that it may want TLS', { timeout: 20_000 }, async () => {
  const server = createServer({}).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  await once(server, 'listening')
  const kafka = new Kafka({ brokers: `127.0.0.1:${(server.address() as AddressInfo).port}`, retryTimeoutMs: 200 })
  try {
    const message = /closed the connection instead of answering; if this listener wants TLS or SASL/
    await assert.rejects(kafka.admin().cluster.describe(), { name: 'ConnectionError', message })
  } finally {
    await kafka.close()
    server.close()
  }
})

test('a TLS client at a plain listener is told that it may be plain', { timeout: 20_000 }, async () => {
  await using cluster = await testCluster()
  const kafka = cluster.kafka({ tls: true, retryTimeoutMs: 200 })
  await assert.rejects(kafka.admin().cluster.describe(), {
    name: 'ConnectionError',
    message: /may speak plain text: try without `tls`/,
  })
})
