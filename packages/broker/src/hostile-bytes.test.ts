import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiVersions, Metadata } from '@odradek/protocol'
import { TestBroker } from './testing/test-broker.ts'

/** A frame: its length, then the bytes. */
function frame(...bytes: number[]): Uint8Array {
  const out = Buffer.alloc(4 + bytes.length)
  out.writeInt32BE(bytes.length)
  out.set(bytes, 4)
  return out
}

const length = (value: number) => new Uint8Array(new Int32Array([value]).buffer).reverse()
const latin = (text: string) => Buffer.from(text, 'latin1')

const hostile: Record<string, { bytes: Uint8Array; says: RegExp }> = {
  'a negative length': { bytes: length(-1), says: /frame length -1 is not between 0 and 104857600/ },
  'a length of 2^31 - 1': { bytes: length(2 ** 31 - 1), says: /frame length 2147483647/ },
  'a frame of 100 MiB and one byte': { bytes: length(100 * 1024 * 1024 + 1), says: /frame length 104857601/ },
  'a TLS ClientHello': { bytes: Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc), says: /speaks TLS/ },
  'an HTTP request': { bytes: latin('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), says: /HTTP request/ },
  'an SSH client': { bytes: latin('SSH-2.0-OpenSSH_9.9\r\n'), says: /SSH/ },
  'an empty frame': { bytes: frame(), says: /cannot be read as Kafka's protocol: RequestHeader/ },
  'half a header': { bytes: frame(0, 18, 0), says: /RequestHeader/ },
  'a client id longer than its frame': { bytes: frame(0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff), says: /RequestHeader/ },
  'an unknown API': { bytes: frame(0x03, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff), says: /API key 999/ },
  'an API between brokers': { bytes: frame(0, 4, 0, 0, 0, 0, 0, 1, 0xff, 0xff), says: /API key 4/ },
  'a version of the future': {
    bytes: frame(0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff),
    says: /Metadata version 99.* 0 to 13/,
  },
  'a version of the past': { bytes: frame(0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff), says: /Produce version 2.* 3 to 13/ },
  'two billion topics': {
    bytes: frame(0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff),
    says: /MetadataRequest v1/,
  },
  'four billion topics, compact': {
    bytes: frame(0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0x0f),
    says: /MetadataRequest v9/,
  },
  'a varint without end': {
    bytes: frame(0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    says: /varint|tag/i,
  },
}

test('what is no request closes its connection with a reason, and no other', async t => {
  await using broker = await TestBroker.start()
  const bystander = await broker.client()
  for (const [name, { bytes, says }] of Object.entries(hostile)) {
    await t.test(name, async () => {
      const client = await broker.client()
      client.send(bytes)
      await client.closed
      assert.match(broker.lines.at(-1)!, /^warn closing a connection: /)
      assert.match(broker.lines.at(-1)!, says)
      assert.equal((await bystander.call(ApiVersions, 0, {})).errorCode, 0)
    })
  }
})

test('a browser is told where it has come', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  client.send(latin('GET /topics HTTP/1.1\r\n\r\n'))
  await client.closed
  assert.match(client.stray, /^HTTP\/1\.1 400 Bad Request\r\n/)
  assert.match(client.stray, /speaks the Kafka protocol/)
})

test('a request that arrives byte by byte is answered', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const answer = client.answerTo(ApiVersions, 0, {})
  const request = frame(0, 3, 0, 1, 0, 0, 0, 99, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
  for (const byte of request) client.send(Uint8Array.of(byte))
  const { brokers } = await client.call(Metadata, 1, { topics: null })
  assert.equal(brokers.length, 1)
  assert.ok(await answer)
  assert.deepEqual(client.answered, [1, 99, 2])
})

test('requests before the bad one are answered', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const answer = client.call(Metadata, 1, { topics: null })
  client.send(frame(0x03, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff))
  assert.equal((await answer).brokers.length, 1)
  await client.closed
})
