import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseAddresses } from './address.ts'

const at = (host: string, port: number) => ({ host, port })

test('addresses may be a list, a comma-separated string, or carry a listener name', () => {
  assert.deepEqual(parseAddresses('a:1, b:2'), [at('a', 1), at('b', 2)])
  assert.deepEqual(parseAddresses(['a:1,c', 'PLAINTEXT://b:2']), [at('a', 1), at('c', 9092), at('b', 2)])
})

test('IPv6 bootstrap addresses are understood with and without brackets, and printed with them (platformatic#365)', () => {
  assert.deepEqual(parseAddresses('[::1]:9093,[fe80::1],::1'), [at('::1', 9093), at('fe80::1', 9092), at('::1', 9092)])
  assert.equal(formatAddress(at('::1', 9093)), '[::1]:9093')
  assert.equal(formatAddress(at('localhost', 9092)), 'localhost:9092')
})

test('an address that cannot work is refused with a sentence that shows one that can', () => {
  for (const bad of ['', ':9092', 'host:port', 'host:0', 'host:70000']) {
    assert.throws(() => parseAddresses(bad), { code: 'USAGE', message: /localhost:9092/ }, bad)
  }
})
