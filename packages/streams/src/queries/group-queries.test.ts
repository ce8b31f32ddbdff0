/** Where in a group what is, as its instances know it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

test('every instance knows which has a key, and only that one has it', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(4)
  const words = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  await cluster.publish(words)
  const one = cluster.instance('one', { applicationServer: 'one:1' })
  const two = cluster.instance('two', { applicationServer: 'two:2' })
  assert.deepEqual(one.metadataForAllClients(), [])
  assert.throws(() => one.queryMetadataForKey('words', 'a', serde.string), { code: 'STORE_NOT_READY', retriable: true })
  assert.throws(() => one.metadataForStore('nothing'), /no store 'nothing'. It has: words/)
  await cluster.finish(Promise.all([one.start(), two.start()]))
  const isSettled = () =>
    [one, two].every(app => app.state === 'RUNNING' && app.tasks().length === 4) &&
    one.store('words').size + two.store('words').size === 8
  await cluster.until(isSettled)
  for (const app of [one, two]) {
    const servers = app.metadataForStore('words').map(({ server }) => server!.host)
    assert.deepEqual(servers.sort(), ['one', 'two'])
    for (const word of words) {
      const { active, partition, standbys } = app.queryMetadataForKey('words', word, serde.string)
      const [owner, other] = active!.host === 'one' ? [one, two] : [two, one]
      assert.equal(owner.store<string, number>('words', { partition }).get(word)?.value, 1)
      assert.equal(other.store<string, number>('words').get(word), undefined)
      assert.deepEqual(standbys, [])
    }
  }
  assert.ok(one.localStoreLags().every(({ store, role, lag }) => store === 'words' && role === 'active' && lag === 0))
  await cluster.close(one, two)
})

test('a standby answers where stale answers will do, and metadata name it', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.publish(['a', 'b'])
  const options = (server: string) => ({ applicationServer: server, numStandbyReplicas: 1, commitIntervalMs: 1_000 })
  const apps = [cluster.instance('one', options('one:1')), cluster.instance('two', options('two:2'))]
  await cluster.finish(Promise.all(apps.map(app => app.start())))
  const hasCopy = (app: (typeof apps)[number]) =>
    app.state === 'RUNNING' && app.store('words', { stale: true }).size === 2
  await cluster.until(() => apps.every(hasCopy))
  const { active, standbys } = apps[0]!.queryMetadataForKey('words', 'a', serde.string)
  assert.equal(standbys.length, 1)
  const standby = apps[standbys[0]!.host === 'one' ? 0 : 1]!
  assert.notEqual(standbys[0]!.host, active!.host)
  const stale = standby.store<string, number>('words', { partition: 0, stale: true })
  assert.equal(stale.get('a')?.value, 1)
  assert.throws(() => standby.store('words', { partition: 0 }), /no up-to-date copy of partition 0/)
  assert.deepEqual(
    standby.localStoreLags().map(({ role, lag }) => [role, lag]),
    [['standby', 0]],
  )
  await cluster.close(...apps)
})
