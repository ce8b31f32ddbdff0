import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumerEngine, PartitionBatch, TopicPartition } from '@odradek/client'
import type { StateStore } from '../state/state-store.ts'
import { Restorer } from './restorer.ts'
import type { RestoreProgress } from './streams-options.ts'
import type { TaskState } from './task-state.ts'

const changelog = { topic: 'app-s-changelog', partition: 0 }
const signal = new AbortController().signal

interface Script {
  start?: number
  end: number | null
  polls?: { keys: string[]; position: number | undefined }[]
}

/** An engine that plays a script: each poll hands out keys and leaves the position where the script says. */
function scripted({ start = 0, end, polls = [] }: Script) {
  let assigned: readonly TopicPartition[] = []
  let position: number | undefined
  const seeks: number[] = []
  const progress: RestoreProgress[] = []
  const engine = {
    assign: (partitions: readonly TopicPartition[]) => {
      assigned = partitions
    },
    seek: (_at: TopicPartition, to: number) => void seeks.push(to),
    position: () => position,
    lag: () => 4,
    poll: async () => {
      const next = polls.shift()!
      position = next.position
      const records = next.keys.map(key => ({ key: Buffer.from(key), value: Buffer.from('v'), timestamp: 1 }))
      return records.length > 0 ? [{ ...changelog, records, nextOffset: position } as unknown as PartitionBatch] : []
    },
  }
  const restorer = new Restorer({
    engine: engine as unknown as ConsumerEngine,
    offsetsFor: async (_, point) => [point === 'earliest' ? start : end],
    topicIdOf: async () => undefined,
    onProgress: told => progress.push(told),
  })
  return { restorer, assigned: () => assigned, seeks, progress }
}

/** The state of task 1_0, with one store. */
function stateWith({ position }: { position?: number } = {}) {
  const keys: string[] = []
  const wiped: string[] = []
  const store = { name: 's', restore: (key: Uint8Array) => keys.push(Buffer.from(key).toString()) }
  let at = position
  const state = {
    taskId: '1_0',
    logged: [{ store: store as unknown as StateStore, changelog }],
    position: () => at,
    restoredTo: (_: string, to: number) => void (at = to),
    wipe: (name: string) => void wiped.push(name),
    load: () => true,
    commit: () => {},
  } as unknown as TaskState
  return { state, keys, wiped, position: () => at }
}

test('a changelog whose last offsets nobody sees is restored when the position has passed them (streams facts 2.33)', async () => {
  const { restorer, assigned, progress } = scripted({
    end: 10,
    polls: [
      { keys: [], position: undefined },
      { keys: ['a', 'b'], position: 7 },
      { keys: [], position: 10 },
    ],
  })
  const { state, keys, position } = stateWith()
  await restorer.add([state], signal)
  assert.deepEqual(assigned(), [changelog])
  for (const expected of [true, true, false]) {
    await restorer.step(100, signal)
    assert.equal(restorer.isRestoring('1_0'), expected)
  }
  assert.deepEqual(keys, ['a', 'b'])
  assert.equal(position(), 10)
  assert.deepEqual(
    progress.map(({ remaining, restored }) => [remaining, restored]),
    [
      [10, 0],
      [3, 2],
      [0, 2],
    ],
  )
  assert.deepEqual(assigned(), [])
  assert.ok(restorer.isIdle)
})

test('a changelog that is empty needs no restoring', async () => {
  for (const end of [0, null]) {
    const { restorer } = scripted({ end })
    await restorer.add([stateWith().state], signal)
    assert.ok(restorer.isIdle)
  }
})

test('a store goes on where it was left, and one that is as far as its changelog is there at once', async () => {
  const { restorer, seeks } = scripted({ end: 10 })
  await restorer.add([stateWith({ position: 6 }).state], signal)
  assert.deepEqual(seeks, [6])
  assert.equal(restorer.remaining('1_0'), 4)
  const complete = scripted({ end: 10 })
  await complete.restorer.add([stateWith({ position: 10 }).state], signal)
  assert.ok(complete.restorer.isIdle)
})

test('a store that its changelog does not reach any more is emptied and begins anew (streams facts 2.34)', async () => {
  for (const { position, start, end } of [
    { position: 3, start: 5, end: 9 },
    { position: 12, start: 0, end: 9 },
  ]) {
    const { restorer, seeks } = scripted({ start, end })
    const { state, wiped } = stateWith({ position })
    await restorer.add([state], signal)
    assert.deepEqual([wiped, seeks], [['s'], [start]])
  }
})

test('a standby follows its changelog for ever', async () => {
  const { restorer } = scripted({ end: 2, polls: [{ keys: ['a', 'b'], position: 2 }] })
  const { state, keys } = stateWith()
  await restorer.add([state], signal, { isStandby: true })
  await restorer.step(100, signal)
  assert.deepEqual(keys, ['a', 'b'])
  assert.ok(restorer.isRestoring('1_0'))
  assert.equal(restorer.remaining('1_0'), 4)
})

test('records that arrive for a task that was taken away go nowhere', async () => {
  const { restorer, assigned } = scripted({ end: 10, polls: [{ keys: ['late'], position: 3 }] })
  const { state, keys } = stateWith()
  await restorer.add([state], signal)
  restorer.drop('1_0')
  assert.deepEqual(assigned(), [])
  await restorer.step(100, signal)
  assert.deepEqual(keys, [])
})
