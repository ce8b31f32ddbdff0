/** Stores that are filled from a topic of the user's, which is their changelog, too (KIP-813). */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KafkaStreams, type KafkaStreamsOptions, keyValueStore, Topology } from '../index.ts'
import type { KeyValueStore } from '../state/stores.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }

function asking(seen: string[]): Topology {
  const places = () => {
    let store: KeyValueStore<string, string>
    return {
      init: (context: { store(name: string): any }) => void (store = context.store('places')),
      put: (key: string, value: string) => store.put(key, value),
      get: (key: string) => store.get(key),
    }
  }
  return new Topology()
    .addReadOnlyStateStore(keyValueStore({ name: 'places', ...text }), {
      ...{ source: 'place-source', topic: 'places', name: 'place-processor', ...text },
      processor: () => {
        const { init, put } = places()
        return { init, process: ({ key, value }) => put(key, value) }
      },
    })
    .addSource('lines', { topics: 'in', ...text })
    .addProcessor('asks', {
      parents: 'lines',
      stores: ['places'],
      processor: () => {
        const { init, get } = places()
        return { init, process: ({ key, value }) => void seen.push(`${value} ${get(key)}`) }
      },
    })
}

async function send(cluster: SimulatedCluster, topic: string, records: Record<string, string>): Promise<void> {
  const producer = cluster.kafka.producer()
  const all = Object.entries(records).map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }))
  await cluster.finish(producer.sendAll(topic, all))
  await cluster.finish(producer.close())
}

const storeOf = (app: KafkaStreams): Record<string, string> => {
  const entries = app.state === 'RUNNING' ? [...app.keyValueStore<string, string>('places').all()] : []
  return Object.fromEntries(entries.sort())
}

async function scene() {
  const cluster = await SimulatedCluster.start(21)
  const topics = ['places', 'in'].map(name => ({ name, partitions: 2 }))
  await cluster.finish(cluster.kafka.admin().topics.create(topics))
  const seen: string[] = []
  const running = async (machine: string, options: Partial<KafkaStreamsOptions> = {}) => {
    const app = cluster.instance(machine, options, asking(seen))
    await cluster.finish(app.start())
    await cluster.until(() => app.state === 'RUNNING')
    return app
  }
  return { cluster, seen, running }
}

test('a read-only store in memory is there again after a restart, before its readers read on', async () => {
  const { cluster, seen, running } = await scene()
  const before = await running('one')
  await send(cluster, 'places', { a: 'Rome', b: 'Oslo', c: 'Bern' })
  await cluster.until(() => Object.keys(storeOf(before)).length === 3)
  await cluster.world.clock.advance(1_000)
  await cluster.finish(before.close())
  await send(cluster, 'in', { a: '1', b: '2', c: '3' })
  const after = await running('two')
  await cluster.until(() => seen.length === 3)
  assert.deepEqual(seen.sort(), ['1 Rome', '2 Oslo', '3 Bern'])
  await cluster.close(after)
})

test('a read-only store goes with its task, as far as the group has committed; what came since is processed', async () => {
  const { cluster, running } = await scene()
  const all = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, `v${i}`]))
  await send(cluster, 'places', all)
  const one = await running('one', { commitIntervalMs: 1_000 })
  await cluster.until(() => Object.keys(storeOf(one)).length === 40)
  await cluster.world.clock.advance(2_000)
  const two = await running('two')
  await cluster.until(() => one.tasks().length === 1 && two.tasks().length === 1 && one.state === 'RUNNING')
  await send(cluster, 'places', { k0: 'other', k1: 'other', k2: 'other', k3: 'other' })
  const both = () => ({ ...storeOf(one), ...storeOf(two) })
  await cluster.until(() => Object.values(both()).filter(value => value === 'other').length === 4)
  assert.equal(Object.keys(storeOf(one)).length + Object.keys(storeOf(two)).length, 40)
  await cluster.finish(two.close())
  await cluster.until(() => one.tasks().length === 2 && Object.keys(storeOf(one)).length === 40)
  assert.equal(Object.values(storeOf(one)).filter(value => value === 'other').length, 4)
  await cluster.close(one)
})

test('a read-only store on disk is restored from where it was left, and has no changelog of its own', async () => {
  const { cluster, running } = await scene()
  const stateFolder = mkdtempSync(join(tmpdir(), 'odradek-places-'))
  const kept = { defaultStore: 'disk', stateFolder } as const
  await send(cluster, 'places', { a: 'Rome', b: 'Oslo', c: 'Bern' })
  const before = await running('one', kept)
  await cluster.until(() => Object.keys(storeOf(before)).length === 3)
  await cluster.finish(before.close())
  const restored: number[] = []
  const after = await running('one', { ...kept, onRestore: progress => void restored.push(progress.remaining) })
  assert.deepEqual(storeOf(after), { a: 'Rome', b: 'Oslo', c: 'Bern' })
  assert.deepEqual(restored, [], 'it was committed with the offsets of its topic')
  const names = (await cluster.finish(Array.fromAsync(cluster.kafka.admin().topics.list()))).map(({ name }) => name)
  assert.deepEqual(
    names.filter(name => !name.startsWith('__')),
    ['in', 'places'],
  )
  await cluster.close(after)
  rmSync(stateFolder, { recursive: true })
})

test('a read-only store whose topic is made anew under its task has what is in the topic now', async () => {
  const { cluster, seen, running } = await scene()
  const warned: { reason?: string; store?: string }[] = []
  const logger = { warn: (fields: object) => void warned.push(fields), error() {} }
  const app = await running('one', { processingGuarantee: 'exactly_once_v2', logger })
  await send(cluster, 'places', { a: 'Rome', b: 'Oslo', c: 'Bern', d: 'Bonn' })
  await cluster.until(() => Object.keys(storeOf(app)).length === 4)
  await send(cluster, 'in', { a: '1', b: '2' })
  await cluster.until(() => seen.length === 2)
  await cluster.world.clock.advance(1_000)
  const { topics } = cluster.kafka.admin()
  await cluster.finish(topics.delete(['places']))
  await cluster.finish(topics.create([{ name: 'places', partitions: 2 }]))
  await cluster.until(() => warned.length === 2)
  await send(cluster, 'places', { a: 'Paris' })
  await cluster.until(() => Object.keys(storeOf(app)).length === 1)
  await cluster.world.clock.advance(1_000)
  assert.deepEqual(storeOf(app), { a: 'Paris' })
  await send(cluster, 'in', { a: '3', b: '4' })
  await cluster.until(() => seen.length >= 4)
  await cluster.world.clock.advance(1_000)
  assert.deepEqual(seen.sort(), ['1 Rome', '2 Oslo', '3 Paris', '4 undefined'])
  assert.ok(warned.every(({ reason, store }) => store === 'places' && reason === 'it was cut under its reader'))
  await cluster.finish(app.close())
  const after = await running('two')
  await cluster.until(() => Object.keys(storeOf(after)).length === 1)
  await cluster.close(after)
})
