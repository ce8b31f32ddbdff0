/** Tasks are dealt out whole and evenly, stay where they were, and have their copies elsewhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { placesIn } from '../topic-partitions.ts'
import { assignTasks, type TaskSpec } from './sticky-assignor.ts'
import { splitTaskKey, type Tasks } from './tasks.ts'

const subtopology = fc.record({ tasks: fc.integer({ min: 1, max: 12 }), isStateful: fc.boolean() })
const shape = fc.record({
  subtopologies: fc.array(subtopology, { minLength: 1, maxLength: 4 }),
  processes: fc.array(fc.nat(4), { minLength: 1, maxLength: 9 }),
  standbys: fc.nat(2),
})

const none: Tasks = new Map()

function specOf({
  subtopologies,
  processes,
  standbys,
}: typeof shape extends fc.Arbitrary<infer T> ? T : never): TaskSpec {
  return {
    subtopologies: new Map(subtopologies.map((each, i) => [String(i), each])),
    members: new Map(processes.map((process, i) => [`m${i}`, { processId: `p${process}`, before: none }])),
    standbys,
  }
}

/** 'active 0_1' → the members that have it. */
function placed(dealt: ReadonlyMap<string, Tasks>): Map<string, string[]> {
  const places = new Map<string, string[]>()
  for (const [id, tasks] of dealt)
    for (const [key, partitions] of tasks) {
      const { role, subtopologyId } = splitTaskKey(key)
      for (const partition of partitions) {
        const task = `${role} ${subtopologyId}_${partition}`
        places.set(task, [...(places.get(task) ?? []), id])
      }
    }
  return places
}

const activeOf = (tasks: Tasks) =>
  [...tasks].reduce((sum, [key, partitions]) => sum + (splitTaskKey(key).role === 'active' ? partitions.size : 0), 0)

const after = (spec: TaskSpec, dealt: ReadonlyMap<string, Tasks>): TaskSpec => ({
  ...spec,
  members: new Map(Array.from(spec.members, ([id, member]) => [id, { ...member, before: dealt.get(id) ?? none }])),
})

function check(spec: TaskSpec, dealt: ReadonlyMap<string, Tasks>): void {
  const places = placed(dealt)
  const processOf = (id: string) => spec.members.get(id)!.processId
  const processes = new Set([...spec.members.values()].map(({ processId }) => processId))
  for (const [id, { tasks, isStateful }] of spec.subtopologies)
    for (let partition = 0; partition < tasks; partition++) {
      const active = places.get(`active ${id}_${partition}`) ?? []
      assert.equal(active.length, 1)
      const standbys = places.get(`standby ${id}_${partition}`) ?? []
      assert.equal(standbys.length, isStateful ? Math.min(spec.standbys, processes.size - 1) : 0)
      const where = [...active, ...standbys].map(processOf)
      assert.equal(new Set(where).size, where.length, 'twice in a process')
    }
  const sizes = Array.from(dealt.values(), activeOf)
  assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `uneven: ${sizes}`)
}

test('every task is active once and evenly, and has its copies in other processes', () => {
  fc.assert(
    fc.property(shape, given => {
      const spec = specOf(given)
      check(spec, assignTasks(spec))
    }),
  )
})

test('nothing moves while nothing changes', () => {
  fc.assert(
    fc.property(shape, given => {
      const spec = specOf(given)
      const dealt = assignTasks(spec)
      assert.deepEqual(placed(assignTasks(after(spec, dealt))), placed(dealt))
    }),
  )
})

test('a member that comes takes its share and no more; when it goes, its tasks go where their copies are', () => {
  fc.assert(
    fc.property(shape, fc.nat(4), (given, process) => {
      const spec = specOf(given)
      const dealt = assignTasks(spec)
      const grown = after(spec, dealt)
      const members = new Map(grown.members).set('new', { processId: `p${process}`, before: none })
      const shared = assignTasks({ ...grown, members })
      check({ ...grown, members }, shared)
      const moved = [...placed(shared)].filter(
        ([task, [id]]) => task.startsWith('active') && placed(dealt).get(task)![0] !== id,
      )
      assert.equal(moved.length, activeOf(shared.get('new')!))

      members.delete('new')
      const left = assignTasks({ ...after(grown, shared), members })
      check({ ...grown, members }, left)
      const others = [...placed(shared)].filter(([task, [id]]) => task.startsWith('active') && id !== 'new')
      for (const [task, [id]] of others) assert.equal(placed(left).get(task)![0], id, `${task} had no reason to move`)
    }),
  )
})

test('a task whose member is gone becomes active where its standby was', () => {
  const subtopologies = new Map([['0', { tasks: 6, isStateful: true }]])
  const before = new Map(['a', 'b', 'c'].map(id => [id, { processId: id, before: none }]))
  const dealt = assignTasks({ subtopologies, members: before, standbys: 1 })
  const members = new Map(['a', 'b'].map(id => [id, { processId: id, before: dealt.get(id)! }]))
  const left = assignTasks({ subtopologies, members, standbys: 1 })
  const were = placed(dealt)
  for (const [task, [id]] of placed(left))
    if (task.startsWith('active') && were.get(task)![0] === 'c')
      assert.deepEqual(were.get(task.replace('active', 'standby')), [id])
  assert.equal(placesIn(left.get('a')!), 6)
})
