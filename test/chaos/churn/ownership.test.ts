import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OwnershipEvent, ownedTwiceAtOnce, ownedTwiceInGeneration, ownersNow, unprocessed } from './ownership.ts'

const owns = (at: number, member: string, generation: number, ...partitions: number[]): OwnershipEvent => ({
  kind: 'owns',
  ...{ at, member, generation, partitions },
})
const ends = (kind: 'released' | 'lost', at: number, member: string, ...partitions: number[]): OwnershipEvent => ({
  kind,
  ...{ at, member, partitions },
})

test('a partition that goes from one member to another in a later generation is owned once', () => {
  const events = [owns(0, 'a', 1, 0, 1), ends('released', 5, 'a', 1), owns(5, 'a', 2, 0), owns(6, 'b', 2, 1)]
  assert.deepEqual(ownedTwiceInGeneration(events), [])
  assert.deepEqual(ownedTwiceAtOnce(events), [])
  assert.deepEqual(
    ownersNow(events),
    new Map([
      [0, ['a']],
      [1, ['b']],
    ]),
  )
})

test('two owners in one generation are found, though never at the same time', () => {
  const events = [owns(0, 'a', 1, 0), ends('released', 5, 'a', 0), owns(6, 'b', 1, 0)]
  assert.deepEqual(
    ownedTwiceInGeneration(events).map(({ members }) => members),
    [['a', 'b']],
  )
  assert.deepEqual(ownedTwiceAtOnce(events), [])
})

test('two owners at the same time are found, though in different generations, whatever the order of the notes', () => {
  const events = [owns(6, 'b', 2, 0), ends('released', 8, 'a', 0), owns(0, 'a', 1, 0)]
  assert.deepEqual(ownedTwiceInGeneration(events), [])
  assert.deepEqual(
    ownedTwiceAtOnce(events).map(({ what }) => what),
    ['partition 0: a and b for 2 ms'],
  )
})

test('who was expired, killed or stopped says nothing about who came next', () => {
  const lost = [owns(0, 'a', 1, 0), owns(6, 'b', 2, 0), ends('lost', 9, 'a', 0)]
  assert.deepEqual(ownedTwiceAtOnce(lost), [])
  assert.deepEqual(ownedTwiceAtOnce([owns(0, 'b', 2, 0), owns(6, 'a', 3, 0), ends('lost', 9, 'a', 0)]), [])
  const stopped: OwnershipEvent[] = [owns(0, 'a', 1, 0), { kind: 'ended', at: 3, member: 'a' }, owns(6, 'b', 2, 0)]
  assert.deepEqual(ownedTwiceAtOnce([...stopped, owns(7, 'a', 1, 0, 1), ends('lost', 8, 'a', 0)]), [])
  assert.equal(ownedTwiceAtOnce([...stopped, ends('lost', 8, 'a', 0), owns(9, 'a', 3, 0)]).length, 1)
  assert.equal(ownedTwiceAtOnce([...stopped, owns(9, 'a', 3, 0)]).length, 1, 'it has heard of a later generation')
})

test('a static member that comes back in another process is the same one', () => {
  const events = ['a', 'b'].map(member => ({ ...owns(0, member, 1, 0), instance: 'i' }))
  assert.deepEqual(ownedTwiceInGeneration(events), [])
})

test('offsets that nobody processed are found', () => {
  assert.deepEqual(
    unprocessed(
      [
        { from: 3, to: 5 },
        { from: 0, to: 2 },
      ],
      7,
    ),
    [2, 5, 6],
  )
  assert.deepEqual(
    unprocessed(
      [
        { from: 0, to: 2 },
        { from: 1, to: 3 },
      ],
      3,
    ),
    [],
  )
})
