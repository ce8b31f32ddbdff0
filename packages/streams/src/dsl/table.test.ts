import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KTable, StreamsBuilder, TopologyTestDriver, type VersionedKeyValueStore } from '../index.ts'

const text = { key: serde.string, value: serde.string }

/** What a table's changes are, as a stream, when these records go in. */
async function changes(
  build: (table: KTable<string, string>) => KTable<string, string>,
  records: readonly (readonly [string | null, string | null, number])[],
  options = {},
) {
  const builder = new StreamsBuilder()
  build(builder.table('in', { ...text, ...options }))
    .toStream()
    .to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  for (const [key, value, time] of records) await input.pipe(key, value, time)
  return { out: driver.output('out', serde.string, serde.string).readPairs(), driver }
}

test('a table takes records in the order of their offsets, also when they are older (streams facts 2.11)', async () => {
  const records = [
    ['a', 'new', 10],
    ['a', 'old', 5],
    [null, 'no key', 6],
  ] as const
  const { out, driver } = await changes(table => table, records, { store: 'rows' })
  assert.deepEqual(out, [
    ['a', 'new'],
    ['a', 'old'],
  ])
  assert.deepEqual(driver.keyValueStore('rows').get('a'), { value: 'old', timestamp: 5 })
  assert.equal(driver.droppedRecords, 1)
})

test('a value that is put again is passed on again (streams facts 2.17)', async () => {
  const { out } = await changes(
    table => table,
    [
      ['a', '1', 1],
      ['a', '1', 2],
    ],
    { store: 'rows' },
  )
  assert.deepEqual(out, [
    ['a', '1'],
    ['a', '1'],
  ])
})

test('a filter deletes what it does not want; where old values are known, null does not follow null (streams facts 2.15)', async () => {
  const isLong = (value: string) => value.length > 1
  const records = [
    ['a', '1', 1],
    ['a', '22', 2],
    ['a', '1', 3],
    ['a', '2', 4],
  ] as const
  const blind = await changes(table => table.filter(isLong), records)
  assert.deepEqual(blind.out, [
    ['a', null],
    ['a', '22'],
    ['a', null],
    ['a', null],
  ])
  const seeing = await changes(table => {
    const filtered = table.filter(isLong)
    assert.ok(filtered.flow.table.sendOldValues(true))
    return filtered
  }, records)
  assert.deepEqual(seeing.out, [
    ['a', '22'],
    ['a', null],
  ])
})

/** As Kafka Streams' own driver answers: deletions of what is not there, values that stay, values that come back. */
const printedByKafka: Record<string, readonly [(table: KTable<string, string>) => KTable<string, string>, string]> = {
  filter: [table => table.filter(value => value.length > 1), 'a: - - 22 - - - -, b: 33 33 -'],
  'filter, old values known': [table => knowing(table.filter(value => value.length > 1)), 'a: 22 -, b: 33 33 -'],
  'filter that is kept': [
    table => table.filter(value => value.length > 1, { store: 'kept' }),
    'a: - - 22 - - - -, b: 33 33 -',
  ],
  'filter that is kept, old values known': [
    table => knowing(table.filter(value => value.length > 1, { store: 'kept' })),
    'a: 22 -, b: 33 33 -',
  ],
  'mapValues, old values known': [table => knowing(table.mapValues(longOnly)), 'a: - - 22 - - - -, b: 33 33 -'],
  'mapValues that is kept, old values known': [
    table => knowing(table.mapValues(longOnly, { store: 'kept', value: serde.string })),
    'a: - - 22 - - - -, b: 33 33 -',
  ],
  'toTable, old values known': [
    table => knowing(table.toStream().toTable() as KTable<string, string>),
    'a: - 1 22 1 2 - -, b: 33 33 -',
  ],
}

const longOnly = (value: string) => (value.length > 1 ? value : null)

function knowing(table: KTable<string, string>): KTable<string, string> {
  assert.ok(table.flow.table.sendOldValues(true))
  return table
}

for (const [title, [build, expected]] of Object.entries(printedByKafka))
  test(`a table's changes are those of Kafka Streams: ${title} (streams facts 2.15)`, async () => {
    const values = { a: [null, '1', '22', '1', '2', null, null], b: ['33', '33', null] }
    const records = Object.entries(values).flatMap(([key, all]) => all.map(value => [key, value, 1] as const))
    const { out } = await changes(build, records)
    const of = (key: string) => out.filter(pair => pair[0] === key).map(([, value]) => value ?? '-')
    assert.equal(`a: ${of('a').join(' ')}, b: ${of('b').join(' ')}`, expected)
  })

test('a filter or mapping that is named keeps what it lets through', async () => {
  const records = [
    ['a', '1', 1],
    ['b', '22', 2],
    ['c', null, 3],
  ] as const
  const { driver } = await changes(
    table =>
      table
        .filterNot(value => value === '1', { store: 'kept' })
        .mapValues(value => `${value}!`, { store: 'loud', value: serde.string }),
    records,
  )
  assert.deepEqual([...driver.keyValueStore('kept').all()], [['b', { value: '22', timestamp: 2 }]])
  assert.deepEqual([...driver.keyValueStore('loud').all()], [['b', { value: '22!', timestamp: 2 }]])
})

test('a source table has a store when somebody needs it, and otherwise none', () => {
  const storesOf = (build: (table: KTable<string, string>) => void) => {
    const builder = new StreamsBuilder()
    build(builder.table('in', text))
    return builder
      .build()
      .subtopologies()
      .flatMap(({ stores }) => stores.map(({ name }) => name))
  }
  assert.deepEqual(
    storesOf(table => table.toStream().to('out')),
    [],
  )
  assert.deepEqual(
    storesOf(table => void table.flow.table.getter()),
    ['in-STATE-STORE-0000000000'],
  )
})

test('a value that is not kept is computed from the table above when it is read (streams facts 2.16)', async () => {
  const builder = new StreamsBuilder()
  const doubled = builder.table('in', text).mapValues(value => value + value)
  const getters = doubled.flow.table.getter()
  assert.deepEqual(getters.stores, ['in-STATE-STORE-0000000000'])
  builder
    .stream('asks', text)
    .process(
      () => {
        const getter = getters.make()
        let forward: (answer: string | undefined) => void
        return {
          init(context) {
            getter.init(context)
            forward = answer =>
              void context.forward({ key: 'answer', value: answer ?? 'none', timestamp: 1, headers: [] })
          },
          process: ({ key }) => forward(getter.get(key)?.value),
        }
      },
      { stores: [...getters.stores], ...text },
    )
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('in', serde.string, serde.string).pipe('a', 'x', 1)
  await driver.input('asks', serde.string, serde.string).pipe('a', '', 2)
  await driver.input('asks', serde.string, serde.string).pipe('b', '', 3)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [
    ['answer', 'xx'],
    ['answer', 'none'],
  ])
})

test('a callback of a table that waits is refused with what to do instead', async () => {
  await assert.rejects(
    changes(table => table.mapValues((async (value: string) => value) as never), [['a', '1', 1]]),
    /a callback of a table answered with a promise/,
  )
})

test('a stream becomes a table: the latest record of every key', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', text).toTable({ store: 'rows' })
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  for (const [key, value] of [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
    ['b', null],
  ] as const)
    await input.pipe(key, value, 1)
  assert.deepEqual([...driver.keyValueStore('rows').all()], [['a', { value: '3', timestamp: 1 }]])
})

test('a versioned table passes on what is late, and not what is older than its history; its filter says null after null (streams facts 2.15)', async () => {
  const versioned = { store: { name: 'rows', historyRetentionMs: 100 } }
  const records = [
    ['a', '22', 1000],
    ['a', '1', 950],
    ['a', '333', 800],
    ['a', '2', 1010],
    ['a', '3', 1020],
  ] as const
  const { out, driver } = await changes(table => table, records, versioned)
  assert.deepEqual(
    out.map(([, value]) => value),
    ['22', '1', '2', '3'],
  )
  const rows = driver.store<VersionedKeyValueStore<string, string>>('rows')
  assert.deepEqual([rows.get('a')?.value, rows.getAsOf('a', 960)?.value], ['3', '1'])

  const filtered = await changes(
    table => {
      const long = table.filter(value => value.length > 1)
      assert.ok(long.flow.table.isVersioned && long.flow.table.sendOldValues(true))
      return long
    },
    records,
    versioned,
  )
  assert.deepEqual(
    filtered.out.map(([, value]) => value),
    ['22', null, null, null],
  )
})

test('a versioned table has the changelog of a history', () => {
  const builder = new StreamsBuilder()
  builder.table('in', { ...text, store: { name: 'rows', historyRetentionMs: 100 } })
  const [subtopology] = builder.build().subtopologies()
  assert.equal(subtopology!.stores[0]!.changelog?.config['min.compaction.lag.ms'], String(100 + 86_400_000))
})
