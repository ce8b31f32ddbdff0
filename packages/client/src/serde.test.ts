import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Serde, type StandardSchema, serde } from './serde.ts'
import { contractOf, topic } from './topic.ts'

const context = { topic: 'orders', part: 'value' } as const
const hex = <T>(s: Serde<T>, value: T) => Buffer.from(s.serialize(value, context)).toString('hex')

test('numbers are written as Java writes them: big-endian, of fixed size', () => {
  assert.equal(hex(serde.int32, -2), 'fffffffe')
  assert.equal(hex(serde.int64, -1), 'ffffffffffffffff')
  assert.equal(hex(serde.int64, Number.MAX_SAFE_INTEGER), '001fffffffffffff')
  assert.equal(hex(serde.int64, -(2 ** 40)), 'ffffff0000000000')
  assert.equal(hex(serde.double, -2.5), 'c004000000000000')
  assert.equal(hex(serde.string, 'né'), '6ec3a9')
})

test('whatever fits a serde comes back as it was', () => {
  const back = <T>(s: Serde<T>, value: T) => s.deserialize(s.serialize(value, context), context)
  fc.assert(fc.property(fc.integer(), n => back(serde.int32, n) === n))
  fc.assert(fc.property(fc.maxSafeInteger(), n => back(serde.int64, n) === n))
  fc.assert(fc.property(fc.double(), n => Object.is(back(serde.double, n), n)))
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => back(serde.string, text) === text.toWellFormed()))
  for (const text of [
    '',
    '\ufeffmarked',
    '\ufeff'.padEnd(40, 'x'),
    'a'.repeat(24),
    'a'.repeat(25),
    `${'a'.repeat(23)}é`,
  ])
    assert.equal(back(serde.string, text), text)
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      assert.deepEqual(back(serde.json(), value), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('what does not fit is refused with topic, part, serde and bytes', () => {
  const refused = (run: () => unknown, message: RegExp) => assert.throws(run, { code: 'USAGE', message })
  refused(
    () => serde.int32.serialize(2 ** 31, context),
    /value of topic 'orders' does not fit its int32 serde: 2147483648/,
  )
  refused(() => serde.int64.serialize(0.5, context), /whole number/)
  refused(() => serde.int32.deserialize(Buffer.from('abc'), context), /takes 4 bytes, but 3 came: 616263/)
  refused(() => serde.int64.deserialize(Buffer.from('7fffffffffffffff', 'hex'), context), /beyond/)
  refused(() => serde.json().deserialize(Buffer.from('\0\0\0\0\x05{}'), context), /bytes: 00000000057b7d/)
  refused(() => serde.json<unknown>().serialize(undefined, context), /send the value null/)
})

test('a schema checks what is written and what is read', () => {
  const even: StandardSchema<number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: value =>
        typeof value === 'number' && value % 2 === 0
          ? { value }
          : { issues: [{ message: 'not even', path: ['a', { key: 0 }] }] },
    },
  }
  const evens = serde.schema(even)
  assert.equal(evens.deserialize(evens.serialize(4, context), context), 4)
  assert.throws(() => evens.serialize(3, context), /a\.0: not even/)
  assert.throws(() => evens.deserialize(Buffer.from('5'), context), /not even/)
})

test('a schema that wants to wait is refused: a serde cannot', () => {
  const slow: StandardSchema<number> = {
    '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: 1 }) },
  }
  assert.throws(() => serde.schema(slow).serialize(1, context), /asynchronously/)
})

test('a contract can be given to another topic; a bare name takes text and bytes and gives bytes', () => {
  const orders = topic('orders', { key: serde.string, value: serde.json<{ total: number }>() })
  const dead = orders.named('orders.dlq')
  assert.deepEqual([dead.name, dead.value], ['orders.dlq', orders.value])
  const bare = contractOf('raw')
  assert.deepEqual(bare.value.serialize('é', context), Buffer.from('é'))
  assert.deepEqual(bare.value.deserialize(Uint8Array.of(1), context), Uint8Array.of(1))
  assert.equal(contractOf(orders), orders)
})

test('a value that does not fit its serde is refused with topic, part and serde', () => {
  const misfits: [Serde<any>, unknown][] = [
    [serde.string, 5],
    [serde.string, undefined],
    [serde.bytes, undefined],
    [serde.bytes, 'text'],
    [serde.int32, '5'],
    [serde.int64, null],
    [serde.double, '1'],
    [serde.json(), 5n],
    [contractOf('orders').value as Serde<any>, 5],
  ]
  for (const [misfit, value] of misfits) {
    const message = new RegExp(`a value of topic 'orders' does not fit its ${misfit.name} serde`)
    assert.throws(() => misfit.serialize(value, context), { code: 'USAGE', message })
  }
})
