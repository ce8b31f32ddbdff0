import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { ProducerState, producerExpiryMs, type SequencedBatch } from './producer-state.ts'

type Outcome = 'next' | 'gap' | 'fenced' | number
type Step = [epoch: number, baseSequence: number, count: number, expected: Outcome]

const max = 2 ** 31 - 1
const batch = (epoch: number, baseSequence: number, count: number, baseOffset = 0): SequencedBatch => ({
  ...{ producerId: 5n, producerEpoch: epoch, baseSequence, count, baseOffset, maxTimestamp: 1 },
  ...{ transactional: false, control: false, marker: undefined },
})

/** Each step is checked and, when it is next, applied at the offset 10 times its place. */
const scenarios: Record<string, Step[]> = {
  'sequences go on where the last batch ended': [
    [0, 0, 3, 'next'],
    [0, 3, 1, 'next'],
    [0, 4, 2, 'next'],
  ],
  'an unknown producer may start anywhere': [
    [3, 17, 2, 'next'],
    [3, 19, 1, 'next'],
  ],
  'one of the last five batches is a duplicate with its own offset': [
    [0, 0, 1, 'next'],
    [0, 1, 1, 'next'],
    [0, 2, 1, 'next'],
    [0, 3, 1, 'next'],
    [0, 4, 1, 'next'],
    [0, 0, 1, 0],
    [0, 4, 1, 40],
    [0, 2, 1, 20],
  ],
  'the sixth batch back is forgotten, and then out of order': [
    ...Array.from({ length: 6 }, (_, i): Step => [0, i, 1, 'next']),
    [0, 0, 1, 'gap'],
    [0, 1, 1, 10],
  ],
  'the same start with another length is no duplicate': [
    [0, 0, 3, 'next'],
    [0, 0, 2, 'gap'],
    [0, 0, 4, 'gap'],
  ],
  'batches without numbers are only fenced, and leave the numbers alone': [
    [1, -1, 2, 'next'],
    [1, -1, 2, 'next'],
    [0, -1, 1, 'fenced'],
    [1, 0, 2, 'next'],
    [1, -1, 1, 'next'],
    [1, 2, 1, 'next'],
    [2, -1, 1, 'next'],
    [1, 3, 1, 'fenced'],
  ],
  'a gap is out of order, either way': [
    [0, 0, 2, 'next'],
    [0, 3, 1, 'gap'],
    [0, 1, 1, 'gap'],
    [0, 2, 1, 'next'],
  ],
  'after 2³¹−1 comes 0': [
    [0, max, 1, 'next'],
    [0, 0, 1, 'next'],
    [0, max, 1, 0],
  ],
  'a batch may run over the end of the numbers': [
    [0, max - 1, 4, 'next'],
    [0, 2, 1, 'next'],
    [0, max - 1, 4, 0],
  ],
  'a new epoch starts at 0, and forgets the sequences of the old one': [
    [0, 0, 1, 'next'],
    [1, 1, 1, 'gap'],
    [1, 0, 1, 'next'],
    [1, 1, 1, 'next'],
    [1, 0, 1, 20],
  ],
  'an old epoch is fenced, even with a batch it wrote': [
    [0, 0, 1, 'next'],
    [2, 0, 1, 'next'],
    [0, 0, 1, 'fenced'],
    [1, 0, 1, 'fenced'],
  ],
}

describe('a producer', () => {
  for (const [name, steps] of Object.entries(scenarios)) {
    test(name, () => {
      const state = new ProducerState()
      steps.forEach(([epoch, baseSequence, count, expected], i) => {
        const next = batch(epoch, baseSequence, count, i * 10)
        assert.equal(outcome(state, next), expected, `step ${i}`)
        if (expected === 'next') state.apply(next, 0)
      })
    })
  }

  test('whose write failed is as it was', () => {
    const state = new ProducerState()
    const undoFirst = state.apply(batch(0, 0, 1), 0)
    const undoSecond = state.apply(batch(0, 1, 1, 1), 0)
    undoSecond()
    assert.equal(outcome(state, batch(0, 1, 1)), 'next')
    assert.equal(outcome(state, batch(0, 0, 1)), 0)
    undoFirst()
    assert.equal(state.size, 0)
  })

  test('is forgotten after a silent day', () => {
    const state = new ProducerState()
    state.apply(batch(0, 0, 1), 1000)
    state.expire(1000 + producerExpiryMs - 1)
    assert.equal(state.size, 1)
    state.expire(1000 + producerExpiryMs)
    assert.equal(state.size, 0)
  })

  test('that a marker has fenced starts its new epoch at 0', () => {
    const state = new ProducerState()
    state.apply(batch(0, 0, 1), 0)
    state.apply({ ...batch(1, -1, 1), control: true }, 0)
    assert.equal(outcome(state, batch(0, 1, 1)), 'fenced')
    assert.equal(outcome(state, batch(1, 1, 1)), 'gap')
    assert.equal(outcome(state, batch(1, 0, 1)), 'next')
  })
})

function outcome(state: ProducerState, next: SequencedBatch): Outcome {
  const verdict = state.check(next)
  if (verdict.kind === 'next') return 'next'
  if (verdict.kind === 'duplicate') return verdict.written.baseOffset
  return verdict.error === ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER ? 'gap' : 'fenced'
}
