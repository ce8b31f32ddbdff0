import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromJsonLine, toJsonLine } from './record-json.ts'
import { compileTemplate, type PrintableRecord } from './record-template.ts'
import { renderRows } from './rows.ts'

const record: PrintableRecord = {
  topic: 'orders',
  partition: 2,
  offset: 17,
  timestamp: 1700000000000,
  key: Buffer.from('k1'),
  value: null,
  headers: [
    ['a', Buffer.from('b')],
    ['c', null],
  ],
}

test('a template prints every token, null as nothing and its length as -1', () => {
  assert.equal(
    compileTemplate('%t %p %o %T %k/%K [%v]/%S %h %%\\n')(record).toString(),
    'orders 2 17 1700000000000 k1/2 []/-1 a=b,c=NULL %\n',
  )
})

test('a template keeps bytes that are no text, and takes escapes', () => {
  assert.deepEqual(
    compileTemplate('%s\\x00\\t\\\\')({ ...record, value: Buffer.from([0xff, 0x00]) }),
    Buffer.from([0xff, 0x00, 0x00, 0x09, 0x5c]),
  )
})

test('an unknown token is refused with the list of those there are', () => {
  assert.throws(() => compileTemplate('%q'), /%q is not a format token.*%k/)
})

test('NDJSON keeps every byte of key, value and headers', () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: null })
  fc.assert(
    fc.property(bytes, bytes, fc.array(fc.tuple(fc.string(), bytes), { maxLength: 3 }), (key, value, headers) => {
      const back = fromJsonLine(toJsonLine({ ...record, key, value, headers }), 1)
      const plain = (b: Uint8Array | null) => b && [...b]
      assert.deepEqual(plain(back.key), plain(key))
      assert.deepEqual(plain(back.value), plain(value))
      assert.deepEqual(
        back.headers.map(([n, v]) => [n, plain(v)]),
        headers.map(([n, v]) => [n, plain(v)]),
      )
      assert.equal(back.partition, 2)
    }),
  )
})

test('a line that is no record is refused by its number', () => {
  assert.throws(() => fromJsonLine('{', 3), /line 3 is not JSON/)
  assert.throws(() => fromJsonLine('[1]', 4), /line 4 is not an object/)
  assert.throws(() => fromJsonLine('{"key":5}', 5), /line 5: the key must be/)
  assert.throws(() => fromJsonLine('{"headers":[1]}', 6), /line 6: headers are a list of pairs/)
  assert.throws(() => fromJsonLine('{"headers":{"a":"b"}}', 7), /line 7: headers are a list of pairs/)
  assert.throws(() => fromJsonLine('{"value":{"base64":"!!"}}', 8), /line 8: the value must be/)
})

const rows = [
  { name: 'orders', partitions: 6, config: { 'retention.ms': '1' } },
  { name: 'x', partitions: 12, config: {} },
]

test('a table lines its columns up, numbers to the right', () => {
  assert.equal(
    renderRows(rows, 'table'),
    'NAME    PARTITIONS  CONFIG\norders           6  retention.ms=1\nx               12\n',
  )
})

test('json, ndjson and yaml keep the shape of the rows', () => {
  assert.deepEqual(JSON.parse(renderRows(rows, 'json')), rows)
  assert.deepEqual(
    renderRows(rows, 'ndjson')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    rows,
  )
  assert.equal(
    renderRows(rows, 'yaml'),
    '- name: orders\n  partitions: 6\n  config:\n    retention.ms: "1"\n- name: x\n  partitions: 12\n  config: {}\n',
  )
})

test('yaml quotes what could be read as something else', () => {
  assert.equal(
    renderRows([{ a: 'no', b: '1.5', c: 'a: b', d: ['x', null], e: '' }], 'yaml'),
    '- a: "no"\n  b: "1.5"\n  c: "a: b"\n  d:\n    - x\n    - null\n  e: ""\n',
  )
})
