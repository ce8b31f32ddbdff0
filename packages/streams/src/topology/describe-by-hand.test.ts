import { serde } from '@odradek/client'
import { Topology } from '../index.ts'
import { keyValueStore } from '../state/key-value-store.ts'
import { describedAsByKafka } from '../testing/kafka-descriptions.ts'

const text = { key: serde.string, value: serde.string }
const processor = () => ({ process: () => {} })
const store = (name: string) => keyValueStore({ name, ...text })
const unlogged = (name: string) => keyValueStore({ name, ...text, options: { logging: false } })
const below = (...parents: string[]) => ({ parents, processor })
const to = (topic: string, ...parents: string[]) => ({ parents, topic })
function chooser() {
  return 'x'
}

const programs: Record<string, () => Topology> = {
  'hand: a line': () =>
    new Topology()
      .addSource('source', { topics: 'in' })
      .addProcessor('p', { parents: 'source', processor })
      .addSink('sink', { parents: 'p', topic: 'out' }),
  'hand: several topics, parents and stores': () =>
    new Topology()
      .addSource('s1', { topics: ['b', 'a'] })
      .addSource('s2', { topics: 'c' })
      .addProcessor('p1', below('s1', 's2'))
      .addProcessor('p2', below('p1'))
      .addProcessor('p3', below('s2'))
      .addStateStore(store('store'), 'p1', 'p3')
      .addStateStore(store('other'), 'p1')
      .addSink('out1', to('o1', 'p2', 'p3'))
      .addSink('out2', to('o2', 'p1')),
  'hand: joined by a store': () =>
    new Topology()
      .addSource('s1', { topics: 'a' })
      .addSource('s2', { topics: 'b' })
      .addProcessor('p1', below('s1'))
      .addProcessor('p2', below('s2'))
      .addStateStore(store('store'), 'p1', 'p2'),
  'hand: joined by a store late': () =>
    new Topology()
      .addSource('s1', { topics: 'a' })
      .addSource('s2', { topics: 'b' })
      .addProcessor('p1', { ...below('s1'), stores: [store('store')] })
      .addProcessor('p2', { ...below('s2'), stores: ['store'] }),
  'hand: z before a': () =>
    new Topology()
      .addSource('z', { topics: 'in1' })
      .addSource('a', { topics: 'in2' })
      .addSource('m', { topics: 'in3' })
      .addSink('so', to('o1', 'z'))
      .addSink('sp', to('o2', 'a')),
  'hand: pattern': () =>
    new Topology().addSource('source', { topics: /in-[0-9]+/ }).addSink('sink', to('out', 'source')),
  'hand: pattern before names': () =>
    new Topology()
      .addSource('z', { topics: /in-.*/ })
      .addSource('b', { topics: 'x' })
      .addSink('o1', to('out', 'z'))
      .addSink('o2', to('out', 'b')),
  'hand: chosen topic': () =>
    new Topology().addSource('source', { topics: 'in' }).addSink('sink', { parents: 'source', topic: chooser }),
  'hand: global store': () =>
    new Topology()
      .addSource('a', { topics: 'in' })
      .addProcessor('p', below('a'))
      .addGlobalStore(unlogged('global-store'), { source: 'gs', topic: 'gtopic', name: 'gp', processor })
      .addSource('z', { topics: 'in2' })
      .addProcessor('q', below('z')),
  'hand: two global stores first': () =>
    new Topology()
      .addGlobalStore(unlogged('g2'), { source: 'gs2', topic: 'gtopic2', name: 'gp2', processor })
      .addGlobalStore(unlogged('g1'), { source: 'gs1', topic: 'gtopic1', name: 'gp1', processor })
      .addSource('h', { topics: 'in' })
      .addSink('o', to('out', 'h')),
  'hand: read-only store': () =>
    new Topology()
      .addReadOnlyStateStore(store('table'), { source: 'rs', topic: 'rtopic', name: 'rp', processor })
      .addSource('s', { topics: 'in' })
      .addProcessor('p', below('s'))
      .connectProcessorAndStateStores('p', 'table'),
  'hand: many children of different sizes': () => {
    const topology = new Topology().addSource('source', { topics: 'in' })
    const depths = { delta: 1, alpha: 4, echo: 2, bravo: 0, charlie: 3, foxtrot: 2, golf: 1 }
    for (const [name, depth] of Object.entries(depths)) {
      topology.addProcessor(name, below('source'))
      for (let i = 0; i < depth; i++) topology.addProcessor(`${name}-${i}`, below(i === 0 ? name : `${name}-${i - 1}`))
    }
    return topology.addSink('collect', to('out', 'golf-0', 'echo-1', 'bravo', 'alpha-3'))
  },
  'hand: more than a dozen nodes': () => {
    const topology = new Topology()
    for (let i = 0; i < 9; i++)
      topology
        .addSource(`in${i}`, { topics: `t${i}` })
        .addProcessor(`first${i}`, below(`in${i}`))
        .addProcessor(`second${i}`, below(`first${i}`, `in${i}`))
    const parents = ['first0', 'first1', 'second2', 'first3', 'second4', 'second5', 'first6', 'first7', 'second8']
    return topology
      .addProcessor('all', below(...parents))
      .addSink('one', to('o1', 'all', 'in3'))
      .addSink('two', to('o2', 'second0', 'all'))
  },
  'hand: nothing reads a store': () => new Topology().addSource('s', { topics: 'in' }).addStateStore(store('alone')),
}

describedAsByKafka(new URL('kafka-descriptions-by-hand.txt', import.meta.url), programs)
