import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupMember, TopicPartition } from '@odradek/client'
import fc from 'fast-check'
import { divide, type TaskInput, taskAssignor } from './task-assignor.ts'

const taskOf = (subtopology: number, partition: number): TaskInput => ({
  taskId: `${subtopology}_${partition}`,
  subtopology,
  partition,
  inputs: [{ topic: `t${subtopology}`, partition }],
})
const tasks = (subtopologies: number, partitions: number) =>
  Array.from({ length: subtopologies * partitions }, (_, i) => taskOf(Math.floor(i / partitions), i % partitions))
const member = (memberId: string, owned: readonly TopicPartition[] = [], generation = 1): GroupMember => ({
  memberId,
  groupInstanceId: null,
  topics: [],
  owned,
  generation,
  rackId: null,
  userData: null,
})
const viewOf = (members: GroupMember[]) => ({ members, partitionsOf: () => 1 })
const idsOf = (shares: Map<string, TaskInput[]>) =>
  Object.fromEntries(Array.from(shares, ([id, share]) => [id, share.map(({ taskId }) => taskId).sort()]))
const inputsOf = (...ids: [number, number][]) => ids.flatMap(([s, p]) => taskOf(s, p).inputs)

test('two newcomers get half of each sub-topology', () => {
  assert.deepEqual(idsOf(divide(viewOf([member('a'), member('b')]), tasks(2, 4))), {
    a: ['0_0', '0_2', '1_0', '1_2'],
    b: ['0_1', '0_3', '1_1', '1_3'],
  })
})

test('tasks stay where their state is; a newcomer gets of each kind', () => {
  const all = inputsOf([0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1], [1, 2], [1, 3])
  const shares = divide(viewOf([member('a', all), member('b')]), tasks(2, 4))
  assert.deepEqual(idsOf(shares), { a: ['0_0', '0_1', '1_0', '1_1'], b: ['0_2', '0_3', '1_2', '1_3'] })
})

test('of two who say that a task is theirs the younger generation is believed', () => {
  const both = [member('a', inputsOf([0, 0]), 3), member('b', inputsOf([0, 0]), 4)]
  assert.deepEqual(idsOf(divide(viewOf(both), tasks(1, 1))), { a: [], b: ['0_0'] })
})

test('a task that moves is handed out only when its owner has given it up', () => {
  const { assign } = taskAssignor(() => tasks(1, 4))
  const partitionsOf = (shares: ReturnType<typeof assign>) =>
    Array.from(shares as Map<string, { partitions: TopicPartition[] }>, ([id, { partitions }]) => [
      id,
      partitions.map(({ partition }) => partition),
    ])
  const all = inputsOf([0, 0], [0, 1], [0, 2], [0, 3])
  const first = assign(viewOf([member('a', all), member('b')]))
  assert.deepEqual(partitionsOf(first), [
    ['a', [0, 1]],
    ['b', []],
  ])
  const second = assign(viewOf([member('a', inputsOf([0, 0], [0, 1])), member('b')]))
  assert.deepEqual(partitionsOf(second), [
    ['a', [0, 1]],
    ['b', [2, 3]],
  ])
})

test('every task has one member, loads differ by one at most, and nothing moves that need not', () => {
  const group = fc
    .record({ subtopologies: fc.integer({ min: 1, max: 3 }), partitions: fc.integer({ min: 0, max: 8 }) })
    .chain(shape =>
      fc.record({
        shape: fc.constant(shape),
        members: fc.integer({ min: 1, max: 5 }),
        owners: fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 24, maxLength: 24 }),
      }),
    )
  fc.assert(
    fc.property(group, ({ shape, members: n, owners }) => {
      const all = tasks(shape.subtopologies, shape.partitions)
      const owned = (m: number) => all.filter((_, i) => owners[i] === m)
      const members = Array.from({ length: n }, (_, m) =>
        member(
          `m${m}`,
          owned(m).flatMap(({ inputs }) => inputs),
        ),
      )
      const shares = divide(viewOf(members), all)
      const given = [...shares.values()].flat().map(({ taskId }) => taskId)
      assert.deepEqual(given.sort(), all.map(({ taskId }) => taskId).sort())
      const loads = [...shares.values()].map(({ length }) => length)
      assert.ok(Math.max(...loads) - Math.min(...loads) <= 1)
      // Whoever holds no more than a fair share keeps all of it.
      for (let m = 0; m < n; m++)
        if (owned(m).length <= Math.floor(all.length / n))
          for (const task of owned(m)) assert.ok(shares.get(`m${m}`)!.includes(task))
      const again = divide(
        viewOf(
          members.map(({ memberId }) =>
            member(
              memberId,
              shares.get(memberId)!.flatMap(({ inputs }) => inputs),
            ),
          ),
        ),
        all,
      )
      assert.deepEqual(idsOf(again), idsOf(shares))
    }),
  )
})
