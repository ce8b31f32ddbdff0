import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flawsOf, type Output, outputOf, outputText } from './exactly-once.ts'

const whole = (transaction: string, ...inputs: string[]): Output[] =>
  inputs.flatMap((input, i) =>
    [0, 1].map(copy => ({ transaction, of: 2 * inputs.length, n: 2 * i + copy, input, copy })),
  )
const flawless = { missing: [], doubled: [], torn: [], unfounded: [] }

test('every copy of every input once, in whole transactions: nothing is wrong', () => {
  assert.deepEqual(flawsOf(['a', 'b', 'c'], 2, [...whole('t1', 'a', 'b'), ...whole('t2', 'c')]), flawless)
})

test('an input nobody wrote is missing, one that two transactions wrote is doubled, one that there is not unfounded', () => {
  const outputs = [...whole('t1', 'a'), ...whole('t2', 'a'), ...whole('t3', 'x')]
  assert.deepEqual(flawsOf(['a', 'b'], 2, outputs), {
    missing: ['b/0', 'b/1'],
    doubled: ['a/0', 'a/1'],
    torn: [],
    unfounded: ['x/0', 'x/1'],
  })
})

test('a transaction of which a part is there is torn, also when another one wrote the rest', () => {
  const [first, second] = [whole('t1', 'a'), whole('t2', 'a')]
  assert.deepEqual(flawsOf(['a'], 2, [first[0]!, second[1]!]), { ...flawless, torn: ['t1', 't2'] })
})

test('a record tells what it is', () => {
  const [output] = whole('t1', 'a')
  assert.deepEqual(outputOf(outputText(output!)), output)
})
