import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumerEngine, PartitionBatch, TopicPartition } from '@odradek/client'
import type { StateStore } from '../state/state-store.ts'
import { Restorer } from './restorer.ts'

const changelog = { topic: 'app-s-changelog', partition: 0 }
const signal = new AbortController().signal

/** An engine that plays a script: each poll hands out keys and leaves the position where the script says. */
function scripted(end: number | null, polls: { keys: string[]; position: number | undefined }[]) {
  let assigned: readonly TopicPartition[] = []
  let position: number | undefined
  const engine = {
    offsetsFor: async () => [end],
    assign: (partitions: readonly TopicPartition[]) => {
      assigned = partitions
    },
    position: () => position,
    poll: async () => {
      const next = polls.shift()!
      position = next.position
      const records = next.keys.map(key => ({ key: Buffer.from(key), value: Buffer.from('v'), timestamp: 1 }))
      return records.length > 0 ? [{ ...changelog, records } as unknown as PartitionBatch] : []
    },
  }
  return { restorer: new Restorer(engine as unknown as ConsumerEngine), assigned: () => assigned }
}

function store(): StateStore & { keys: string[] } {
  const keys: string[] = []
  return { name: 's', keys, restore: key => keys.push(Buffer.from(key).toString()), close: () => {} }
}

test('a changelog whose last offsets nobody sees is restored when the position has passed them', async () => {
  const { restorer, assigned } = scripted(10, [
    { keys: [], position: undefined },
    { keys: ['a', 'b'], position: 7 },
    { keys: [], position: 10 },
  ])
  const s = store()
  await restorer.add([{ taskId: '1_0', store: s, changelog }], signal)
  assert.deepEqual(assigned(), [changelog])
  for (const expected of [true, true, false]) {
    await restorer.step(100, signal)
    assert.equal(restorer.isRestoring('1_0'), expected)
  }
  assert.deepEqual(s.keys, ['a', 'b'])
  assert.deepEqual(assigned(), [])
  assert.ok(restorer.isIdle)
})

test('a changelog that is empty needs no restoring', async () => {
  for (const end of [0, null]) {
    const { restorer } = scripted(end, [])
    await restorer.add([{ taskId: '1_0', store: store(), changelog }], signal)
    assert.ok(restorer.isIdle)
  }
})

test('records that arrive for a task that was taken away go nowhere', async () => {
  const { restorer, assigned } = scripted(10, [{ keys: ['late'], position: 3 }])
  const s = store()
  await restorer.add([{ taskId: '1_0', store: s, changelog }], signal)
  restorer.drop('1_0')
  assert.deepEqual(assigned(), [])
  await restorer.step(100, signal)
  assert.deepEqual(s.keys, [])
})
