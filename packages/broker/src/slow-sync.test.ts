/** What a Produce is answered whose records take their time to become durable. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DeleteTopics, ErrorCodes, encodeBatch, Metadata, noId, Produce } from '@odradek/protocol'
import { memoryWire, realWorld } from '@odradek/world'
import { slowSyncDisk } from './testing/slow-sync-disk.ts'
import { produceRequest, TestBroker } from './testing/test-broker.ts'

async function onSlowDisk(
  beforeSync: (path: string) => Promise<void>,
  nodes: number,
  run: (broker: TestBroker) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-broker-'))
  const world = { ...realWorld(), wire: memoryWire(), disk: slowSyncDisk(beforeSync) }
  try {
    await using broker = await TestBroker.start({ world, nodes, data: { folder } })
    await run(broker)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const batch = () => encodeBatch([{ value: 'v' }])

test('a Produce that grants no time gets what a sync takes', async () => {
  const { clock } = realWorld()
  const ms = (time: number) => new Promise<void>(resolve => clock.timer(time, resolve))
  await onSlowDisk(
    () => ms(20),
    1,
    async broker => {
      await broker.topic('t')
      const client = await broker.client()
      for (const timeoutMs of [0, -1]) {
        const { responses } = await client.call(Produce, 9, { ...produceRequest('t', batch()), timeoutMs })
        assert.equal(responses[0]!.partitionResponses[0]!.errorCode, ErrorCodes.NONE)
      }
    },
  )
})

test('a Produce whose topic is deleted before it is durable still says who led the partitions of other nodes', async () => {
  const syncing = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const beforeSync = (path: string) => {
    if (!/\/t-\d\/\d+\.log$|\.journal$/.test(path)) return Promise.resolve()
    syncing.resolve()
    return release.promise
  }
  await onSlowDisk(beforeSync, 2, async broker => {
    await broker.topic('t', 2)
    const [client, other] = [await broker.client(), await broker.client()]
    const { topics } = await client.call(Metadata, 12, { topics: [{ name: 't' }] })
    const leaders = topics[0]!.partitions.map(partition => partition.leaderId)
    const partitionData = [0, 1].map(index => ({ index, records: batch() }))
    const producing = client.call(Produce, 10, {
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: 't', partitionData }],
    })
    await syncing.promise
    const deleting = other.call(DeleteTopics, 6, { topics: [{ name: 't', topicId: noId }], timeoutMs: 5000 })
    const { responses, nodeEndpoints } = await producing.finally(release.resolve)
    await deleting
    const [own, foreign] = leaders[0] === 1 ? [0, 1] : [1, 0]
    const answers = responses[0]!.partitionResponses
    assert.equal(answers[own]!.errorCode, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    assert.equal(answers[foreign]!.errorCode, ErrorCodes.NOT_LEADER_OR_FOLLOWER)
    assert.equal(answers[foreign]!.currentLeader.leaderId, 2)
    assert.deepEqual(
      nodeEndpoints.map(node => node.nodeId),
      [2],
    )
  })
})
