import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumerEngine, PartitionBatch, TopicPartition } from '@odradek/client'
import type { StateStore } from '../state/state-store.ts'
import { Restorer } from './restorer.ts'
import type { RestoreProgress } from './streams-options.ts'
import { TaskState } from './task-state.ts'

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
  const wiped: string[] = []
  const topic: { id: string | undefined } = { id: undefined }
  let lose: (reason: string) => void
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
    engine: hooks => {
      lose = reason => void hooks.onPositionLost!({ ...changelog, reason })
      return engine as unknown as ConsumerEngine
    },
    offsetsFor: async (_, point) => [point === 'earliest' ? start : end],
    topicIdOf: async () => topic.id,
    knownIdOf: () => topic.id,
    onProgress: told => progress.push(told),
    onWiped: (_store, _taskId, reason) => void wiped.push(reason),
  })
  return { restorer, assigned: () => assigned, seeks, progress, wiped, topic, lose: (reason: string) => lose(reason) }
}

/** The state of task 1_0, with one store in memory. */
function stateWith({ position }: { position?: number } = {}) {
  const keys: string[] = []
  const store = { name: 's', restore: (key: Uint8Array) => keys.push(Buffer.from(key).toString()), close() {} }
  const log = () => {}
  const state = new TaskState({
    ...{ taskId: '1_0', partition: 0, applicationId: 'app', defaultKind: 'memory', cache: null },
    specs: [{ name: 's', changelog: { config: {} }, make: () => store as unknown as StateStore }],
    openDisk: () => null,
    changelog: () => ({ log, position: undefined }),
  })
  if (position !== undefined) state.restoredTo('s', position)
  return { state, keys, position: () => state.position('s') }
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

test('a store that its changelog does not reach any more is given up, and begins anew (streams facts 2.34)', async () => {
  for (const { position, start, end } of [
    { position: 3, start: 5, end: 9 },
    { position: 12, start: 0, end: 9 },
  ]) {
    const { restorer, seeks, assigned, wiped } = scripted({ start, end })
    await restorer.add([stateWith({ position }).state], signal)
    assert.deepEqual([seeks, assigned()], [[], []])
    assert.deepEqual(wiped, [`it has offsets ${start} to ${end}, and the store was left at ${position}`])
    assert.ok(restorer.isRestoring('1_0') && !restorer.isIdle)
    const lost = restorer.takeLost()
    assert.deepEqual(
      lost.map(({ taskId, attempts }) => [taskId, attempts]),
      [['1_0', 1]],
    )
    await restorer.add([stateWith().state], signal)
    assert.deepEqual(seeks, [start])
  }
})

test('a store that is empty begins where its changelog begins now, without a word', async () => {
  const { restorer, seeks, wiped } = scripted({ start: 5, end: 9 })
  await restorer.add([stateWith({ position: 0 }).state], signal)
  assert.deepEqual([seeks, wiped], [[5], []])
})

test('a state whose changelog is cut while it is read is given up: what was read is gone from there (streams facts 2.34)', async () => {
  const script = {
    end: 10,
    polls: [
      { keys: ['gone'], position: 3 },
      { keys: ['kept'], position: 8 },
    ],
  }
  const { restorer, lose, assigned, wiped } = scripted(script)
  const { state, keys } = stateWith()
  await restorer.add([state], signal)
  await restorer.step(100, signal)
  lose('offset 3 is out of range')
  await restorer.step(100, signal)
  assert.deepEqual([keys, assigned(), wiped], [['gone'], [], ['offset 3 is out of range']])
  assert.equal(restorer.takeLost().length, 1)
  assert.ok(restorer.isIdle, 'it is told once')
})

test('a standby whose changelog was deleted and made anew is given up', async () => {
  const { restorer, topic, wiped } = scripted({
    end: 2,
    polls: [
      { keys: ['a'], position: 2 },
      { keys: [], position: 2 },
    ],
  })
  topic.id = 'one'
  await restorer.add([stateWith().state], signal, { isStandby: true })
  await restorer.step(100, signal)
  topic.id = 'another'
  await restorer.step(100, signal)
  assert.deepEqual(wiped, ['the topic was deleted and made anew'])
  assert.deepEqual(
    restorer.takeLost().map(({ taskId }) => taskId),
    ['1_0'],
  )
})

test('a state in memory that came from another topic of the name is given up when it is to be restored further', async () => {
  const { restorer, topic } = scripted({ end: 10 })
  const { state } = stateWith({ position: 4 })
  topic.id = 'one'
  await restorer.add([state], signal, { isStandby: true })
  restorer.drop('1_0')
  topic.id = 'another'
  await restorer.add([state], signal)
  assert.equal(restorer.takeLost().length, 1)
})

test('attempts are counted until the state is restored, and the error names task, store and changelog', async () => {
  const { restorer, lose } = scripted({ end: 10, polls: Array.from({ length: 4 }, () => ({ keys: [], position: 10 })) })
  const attempts: number[] = []
  for (const isCut of [true, true, false, true]) {
    await restorer.add([stateWith().state], signal)
    if (isCut) lose('offset 0 is out of range')
    await restorer.step(100, signal)
    for (const lost of restorer.takeLost()) {
      attempts.push(lost.attempts)
      assert.match(lost.error.message, /Store 's' of task 1_0 .* app-s-changelog-0 was cut \d times .* offset 0 is out/)
    }
  }
  assert.deepEqual(attempts, [1, 2, 1])
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
