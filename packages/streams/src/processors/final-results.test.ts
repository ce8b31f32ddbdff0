import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProcessorContext } from '../processor.ts'
import { noHeaders } from '../record.ts'
import { FinalResults } from './final-results.ts'

/** Windows of 10 ms, one at every multiple of 10; what they pass on, and a clock and a memory to set. */
function closing(progress = new Map<string, number>()) {
  const state = { systemTime: 0, told: [] as number[], asked: 0 }
  const context = {
    get systemTime() {
      return state.systemTime
    },
    emitIntervalMs: 1_000,
    progress: (name: string) => progress.get(name),
    keepProgress: (name: string, value: number) => void progress.set(name, value),
    forward: ({ key }: { key: { start: number } }) => void state.told.push(key.start),
  } as unknown as ProcessorContext
  const results = new FinalResults<string, number>(context, 'store', {
    spanMs: 10,
    *between(from, to) {
      state.asked++
      for (let start = Math.ceil(from / 10) * 10; start <= to; start += 10)
        yield { window: { key: 'a', start, end: start + 10 }, value: 1, timestamp: start }
    },
  })
  const emit = (closeTime: number, storedFrom = 0) => {
    results.emit(closeTime, storedFrom, noHeaders)
    return state.told.splice(0)
  }
  return { state, emit, progress }
}

test('windows come out once each, and the store is asked at most once a second (streams facts 2.20)', () => {
  const { state, emit } = closing()
  assert.deepEqual(emit(9), [])
  assert.deepEqual(emit(20), [0, 10])
  state.systemTime = 999
  assert.deepEqual(emit(45), [])
  state.systemTime = 1_000
  assert.deepEqual(emit(45), [20, 30])
  state.systemTime = 2_000
  assert.deepEqual(emit(45), [])
  assert.equal(state.asked, 2)
})

test('what the store is about to forget does not wait for the second to pass (streams facts 2.21)', () => {
  const { emit } = closing()
  assert.deepEqual(emit(20), [0, 10])
  assert.deepEqual(emit(40, 11), [])
  assert.deepEqual(emit(40, 12), [20, 30])
})

test('how far it has come is kept with the commit, and where it goes on after a restart', () => {
  const first = closing()
  first.emit(20)
  assert.deepEqual([...first.progress], [['store', 20]])
  const second = closing(first.progress)
  assert.deepEqual(second.emit(20), [])
  assert.deepEqual(second.emit(35), [20])
})
