import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteBudget } from './byte-budget.ts'

test('who waits is let in in turn, and nobody passes who came later', () => {
  const budget = new ByteBudget(10)
  const admitted: string[] = []
  const enter = (name: string, bytes: number) => {
    const go = () => {
      admitted.push(name)
      budget.take(bytes)
    }
    if (budget.isFull) budget.wait(go)
    else go()
  }
  enter('a', 10)
  enter('large', 50)
  enter('small', 1)
  assert.deepEqual(admitted, ['a'])
  budget.give(10)
  assert.deepEqual(admitted, ['a', 'large'])
  assert.equal(budget.isFull, true)
  budget.give(45)
  assert.deepEqual(admitted, ['a', 'large', 'small'])
  assert.deepEqual([budget.used, budget.waiters], [6, 0])
})

test('who has gone meanwhile is passed over', () => {
  const budget = new ByteBudget(1)
  budget.take(1)
  const admitted: string[] = []
  budget.wait(
    () => admitted.push('gone'),
    () => true,
  )
  budget.wait(() => admitted.push('here'))
  budget.give(1)
  assert.deepEqual(admitted, ['here'])
})

test('giving back while somebody is let in lets nobody in twice', () => {
  const budget = new ByteBudget(1)
  budget.take(3)
  let entered = 0
  for (let i = 0; i < 3_000; i++) {
    budget.wait(() => {
      entered++
      if (i % 2) budget.give(0)
    })
  }
  budget.give(3)
  assert.deepEqual([entered, budget.waiters], [3_000, 0])
})
