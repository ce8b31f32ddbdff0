import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRound, type Write } from './log-writes.ts'

/** 'a1' records of key a; 'f:a2' the same, made from the image; 'M3' a marker. */
function write(word: string): Write<string, unknown> & { word: string } {
  const waiting = { done: () => {}, fail: () => {}, word }
  if (word.startsWith('M')) {
    const marker = { producerId: 1n, producerEpoch: 0, coordinatorEpoch: 0, outcome: 'commit' as const }
    return { ...waiting, partition: 1, marker }
  }
  const key = word.replace('f:', '')[0]!
  const records = word.startsWith('f:') ? () => [word] : { records: [word], inputs: [] }
  return { ...waiting, key, records, producer: null }
}

const rounds = (words: string): string => {
  const found: string[] = []
  let waiting = words.split(' ').map(write)
  while (waiting.length > 0) {
    const { go, stay } = firstRound(waiting)
    assert.notEqual(go.length, 0)
    found.push(go.map(each => (each as { word: string } & typeof each).word).join(' '))
    waiting = stay as typeof waiting
  }
  return found.join(' | ')
}

const cases: Record<string, [string, string]> = {
  'all that is known goes together': ['a1 b2 a3 M4 a5', 'a1 b2 a3 M4 a5'],
  'what is made from the image waits for what came before under its key': ['a1 f:a2', 'a1 | f:a2'],
  'and not for other keys': ['a1 f:b2', 'a1 f:b2'],
  'what comes after it under its key does not overtake it': ['a1 f:a2 a3 b4', 'a1 b4 | f:a2 a3'],
  'two of one key go one after the other': ['f:a1 f:a2 f:a3', 'f:a1 | f:a2 | f:a3'],
  'it waits for markers, which may change what is stored under any key': ['M1 f:a2', 'M1 | f:a2'],
  'a marker does not overtake records that may be of its transaction': ['a1 f:a2 a3 M4 b5', 'a1 | f:a2 a3 M4 b5'],
}

for (const [name, [waiting, expected]] of Object.entries(cases)) {
  test(name, () => assert.equal(rounds(waiting), expected))
}
