import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import {
  type KeyValueStore,
  keyValueStore,
  type Processor,
  type ProcessorContext,
  StreamsBuilder,
  Topology,
  TopologyTestDriver,
} from '../index.ts'

const text = { key: serde.string, value: serde.string }
const processor = () => ({ process: () => {} })
const store = (name: string, logging = true) =>
  keyValueStore<string, string>({ name, ...text, options: { logging, in: 'memory' } })

/** Puts every record into a store. */
const keeping = (name: string) => (): Processor<string, string, never, never> => {
  let kept: KeyValueStore<string, string>
  return {
    init: context => {
      kept = context.store(name)
    },
    process: ({ key, value }) => kept.put(key, value),
  }
}

/** Answers every record with what a store has for its key. */
const asking = (name: string) => (): Processor<string, string, string, string> => {
  let context: ProcessorContext<string, string>
  return {
    init: given => {
      context = given
    },
    process: record =>
      context.forward({
        ...record,
        value: context.store<KeyValueStore<string, string>>(name).get(record.key) ?? 'nothing',
      }),
  }
}

test('a topology by hand runs: sources, processors with stores, sinks', async () => {
  const topology = new Topology()
    .addSource('lines', { topics: ['in', 'more'], ...text })
    .addProcessor('loud', {
      parents: 'lines',
      processor: { process: (record, context) => context.forward({ ...record, value: record.value.toUpperCase() }) },
    })
    .addProcessor('kept', { parents: 'loud', processor: keeping('words'), stores: [store('words')] })
    .addSink('written', { parents: ['loud', 'lines'], topic: 'out', ...text })
  const driver = new TopologyTestDriver(topology)
  await driver.input('more', serde.string, serde.string).pipe('a', 'word', 1)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [
    ['a', 'WORD'],
    ['a', 'word'],
  ])
  assert.equal(driver.store<KeyValueStore<string, string>>('words').get('a'), 'WORD')
})

test('every processor reads a global store and is not connected to it; its own fills it', async () => {
  const topology = new Topology()
    .addSource('lines', { topics: 'in', ...text })
    .addProcessor('asks', { parents: 'lines', processor: asking('places') })
    .addSink('written', { parents: 'asks', topic: 'out', ...text })
    .addGlobalStore(store('places', false), {
      source: 'place-source',
      topic: 'places',
      ...text,
      name: 'place-processor',
      processor: keeping('places'),
    })
  const driver = new TopologyTestDriver(topology)
  await driver.input('places', serde.string, serde.string).pipe('b', 'Bonn', 1)
  await driver.input('in', serde.string, serde.string).pipe('b', '', 2)
  await driver.input('in', serde.string, serde.string).pipe('c', '', 3)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [
    ['b', 'Bonn'],
    ['c', 'nothing'],
  ])
  assert.deepEqual(
    topology.subtopologies().map(({ id }) => id),
    [0],
  )
  assert.deepEqual(
    topology.globals().map(({ id, global }) => [id, global?.topic, global?.restore]),
    [[1, 'places', 'processor']],
  )
})

test('a global store of the builder is read in the streams', async () => {
  const builder = new StreamsBuilder()
  builder.addGlobalStore(store('places', false), { topic: 'places', ...text, processor: keeping('places') })
  builder.stream('in', text).process(asking('places'), text).to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('places', serde.string, serde.string).pipe('b', 'Bonn', 1)
  await driver.input('in', serde.string, serde.string).pipe('b', '', 2)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [['b', 'Bonn']])
})

test('a read-only store is filled from its topic and read where it is connected', async () => {
  const topology = new Topology()
    .addReadOnlyStateStore(store('places'), {
      source: 'place-source',
      topic: 'places',
      ...text,
      name: 'place-processor',
      processor: keeping('places'),
    })
    .addSource('lines', { topics: 'in', ...text })
    .addProcessor('asks', { parents: 'lines', processor: asking('places'), stores: ['places'] })
    .addSink('written', { parents: 'asks', topic: 'out', ...text })
  const driver = new TopologyTestDriver(topology)
  await driver.input('places', serde.string, serde.string).pipe('b', 'Bonn', 1)
  await driver.input('in', serde.string, serde.string).pipe('b', '', 2)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [['b', 'Bonn']])
})

const lines = () => new Topology().addSource('lines', { topics: 'in' })
const filling = { source: 's', topic: 't', name: 'p', processor }

const refused: Record<string, readonly [() => unknown, RegExp]> = {
  'two nodes of one name': [
    () => lines().addProcessor('lines', { parents: 'lines', processor }),
    /Two nodes are named/,
  ],
  'a global store on disk': [
    () => lines().addGlobalStore(keyValueStore({ name: 'g', options: { in: 'disk', logging: false } }), filling),
    /Store 'g' is to be global and on disk\. .*memory/,
  ],
  'a source without topics': [() => lines().addSource('none', { topics: [] }), /Source 'none' reads no topic/],
  'a topic that is read twice': [() => lines().addSource('again', { topics: ['x', 'in'] }), /'lines' reads topic 'in'/],
  'an expression for a topic that is read': [
    () => lines().addSource('all', { topics: /^i/ }),
    /reads topic 'in' already/,
  ],
  'a topic that an expression reads': [
    () => new Topology().addSource('all', { topics: /^i/ }).addSource('one', { topics: 'in' }),
    /'all' reads topic 'in' already/,
  ],
  'a node without parents': [() => lines().addSink('end', { parents: [], topic: 'out' }), /'end' has no parent/],
  'a parent that is named twice': [
    () => lines().addSink('end', { parents: ['lines', 'lines'], topic: 'out' }),
    /names 'lines' as its parent twice/,
  ],
  'a parent that is not there': [() => lines().addProcessor('p', { parents: 'q', processor }), /there is no such node/],
  'a child of a sink': [
    () => lines().addSink('end', { parents: 'lines', topic: 'out' }).addProcessor('p', { parents: 'end', processor }),
    /names the sink 'end' as its parent/,
  ],
  'two stores of one name': [
    () => lines().addStateStore(store('s')).addStateStore(store('s')),
    /There are two stores 's'/,
  ],
  'a store for a source': [() => lines().addStateStore(store('s'), 'lines'), /There is no processor 'lines'/],
  'a store that is not there': [
    () => lines().addProcessor('p', { parents: 'lines', processor, stores: ['s'] }),
    /Processor 'p' is to use store 's', and there is none/,
  ],
  'a global store with a changelog': [
    () => lines().addGlobalStore(store('g'), filling),
    /is to be global and has a changelog/,
  ],
  'a global store of a name that is taken': [
    () => lines().addStateStore(store('g')).addGlobalStore(store('g', false), filling),
    /There are two stores 'g'/,
  ],
  'a connection to a global store': [
    () =>
      lines()
        .addGlobalStore(store('g', false), filling)
        .addProcessor('q', { parents: 'lines', processor, stores: ['g'] }),
    /Store 'g' is global: processor 'q' can read it without/,
  ],
  'a child of what fills a global store': [
    () => lines().addGlobalStore(store('g', false), filling).addSink('end', { parents: 'p', topic: 'out' }),
    /'p' as its parent, which fills a global store/,
  ],
}

for (const [what, [build, told]] of Object.entries(refused))
  test(`a topology refuses ${what}`, () => {
    assert.throws(build, (error: unknown) => error instanceof UsageError && told.test(error.message))
  })

test('tasks are numbered by sub-topology, in the order in which its first node was added, whatever its name (streams facts 2.49)', () => {
  const topology = new Topology()
    .addSource('z', { topics: 'in-z' })
    .addSource('a', { topics: 'in-a' })
    .addSource('m', { topics: 'in-m' })
    .addProcessor('of-m', { parents: 'm', processor })
    .addProcessor('of-z', { parents: 'z', processor })
    .addStateStore(store('shared'), 'of-m', 'of-z')
  const numbered = topology.subtopologies().map(({ id, nodes }) => [id, nodes.map(({ name }) => name)])
  assert.deepEqual(numbered, [
    [0, ['z', 'm', 'of-m', 'of-z']],
    [1, ['a']],
  ])
})

const drawn = () =>
  new Topology()
    .addSource('lines', { topics: ['in', 'a "quoted"'] })
    .addProcessor('count', { parents: 'lines', processor, stores: [store('counts')] })
    .addSink('end', { parents: 'count', topic: 'out' })

test('a topology is drawn as a flowchart of Mermaid', () => {
  assert.equal(
    drawn().mermaid(),
    `flowchart TD
  subgraph group0["Sub-topology 0"]
    source0(["lines"])
    processor1["count"]
    sink2(["end"])
    store3[("counts")]
  end
  topic4[/"in"/]
  topic5[/"a #quot;quoted#quot;"/]
  topic6[/"out"/]
  topic4 --> source0
  topic5 --> source0
  source0 --> processor1
  processor1 -.- store3
  processor1 --> sink2
  sink2 --> topic6
`,
  )
})

test('a topology is drawn for Graphviz', () => {
  assert.equal(
    drawn().dot(),
    `digraph topology {
  node [fontname="Helvetica"]
  subgraph cluster_0 {
    label="Sub-topology 0"
    source0 [label="lines" shape=invhouse]
    processor1 [label="count" shape=box]
    sink2 [label="end" shape=house]
    store3 [label="counts" shape=cylinder]
  }
  topic4 [label="in" shape=cds]
  topic5 [label="a \\"quoted\\"" shape=cds]
  topic6 [label="out" shape=cds]
  topic4 -> source0
  topic5 -> source0
  source0 -> processor1
  processor1 -> store3 [dir=none style=dashed]
  processor1 -> sink2
  sink2 -> topic6
}
`,
  )
})
