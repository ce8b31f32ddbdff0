import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProducerInfo } from '@odradek/log'
import { DecodeError, encodeBatch, encodeControlBatch } from '@odradek/protocol'
import { LogReplay } from './log-replay.ts'
import type { Image, Outcome, RecordKind } from './record-kind.ts'

interface Pair {
  readonly key: string
  /** Null: forgotten. */
  readonly value: string | null
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const pairs: RecordKind<Pair> = {
  encode: ({ key, value }) => ({ key, value }),
  decode(key, value) {
    if (text(key) === 'alien') return null
    if (text(key) === 'bad') throw new DecodeError('not a pair')
    return { key: text(key), value: value && text(value) }
  },
}

/** 'a=1' committed, 'b=2?7' held for producer 7. */
class Pairs implements Image<Pair> {
  readonly committed = new Map<string, { value: string; offset: number }>()
  readonly held: (Pair & { offset: number; producerId: bigint })[] = []
  applied = 0

  apply({ key, value }: Pair, offset: number): void {
    this.applied++
    if ((this.committed.get(key)?.offset ?? -1) > offset) return
    if (value === null) this.committed.delete(key)
    else this.committed.set(key, { value, offset })
  }

  hold(pair: Pair, offset: number, producerId: bigint): void {
    this.held.push({ ...pair, offset, producerId })
  }

  release(producerId: bigint, outcome: Outcome): void {
    const released = this.held.filter(held => held.producerId === producerId)
    this.held.splice(0, Infinity, ...this.held.filter(held => held.producerId !== producerId))
    if (outcome === 'commit') for (const { offset, ...pair } of released) this.apply(pair, offset)
  }

  toString(): string {
    const committed = Array.from(this.committed, ([key, { value }]) => `${key}=${value}`)
    return [...committed, ...this.held.map(({ key, value, producerId }) => `${key}=${value}?${producerId}`)]
      .toSorted()
      .join(' ')
  }
}

/**
 * A log, batch by batch: 'a=1,b=2' plain; '7:a=1' in a transaction of producer 7; 'C7' and 'A7' its markers; 'a=' a tombstone; a '!' in
 * front: damaged; '~': a range that cannot be read at all.
 */
function replayed(
  log: string,
  o: { open?: readonly [id: number, start: number][]; mode?: 'last' | 'all'; chunkEach?: boolean } = {},
): { image: Pairs; damaged: number; next: number | null } {
  const image = new Pairs()
  const replay = new LogReplay(pairs, image, o.mode ?? 'last')
  let offset = 0
  let next: number | null = null
  const chunk: Uint8Array[] = []
  const addChunk = () => {
    if (chunk.length > 0) next = replay.add([Buffer.concat(chunk.splice(0))])
  }
  for (const word of log.split(' ')) {
    if (word === '~') {
      addChunk()
      replay.passOver(1)
      offset++
      continue
    }
    const bytes = batch(word.replace('!', ''), offset)
    if (word.startsWith('!')) bytes[bytes.length - 1]! ^= 1
    chunk.push(bytes)
    offset += word.split(',').length
    if (o.chunkEach) addChunk()
  }
  addChunk()
  replay.finish((o.open ?? []).map(([id, start]) => producerInfo(id, start)))
  return { image, damaged: replay.damaged, next }
}

function batch(word: string, baseOffset: number): Uint8Array {
  const [, producer, records] = /^(?:(\d+):)?(.*)$/.exec(word)!
  const marker = /^([CA])(\d+)$/.exec(records!)
  if (marker)
    return encodeControlBatch({
      type: marker[1] === 'C' ? 'commit' : 'abort',
      producerId: BigInt(marker[2]!),
      ...{ coordinatorEpoch: 0, producerEpoch: 0, timestamp: 1, baseOffset },
    })
  const inputs = records!.split(',').map(record => {
    const [key, value] = record.split('=')
    return { key: key!, value: value === '' ? null : value! }
  })
  const transaction = producer && {
    producerId: BigInt(producer),
    producerEpoch: 0,
    baseSequence: -1,
    transactional: true,
  }
  return encodeBatch(inputs, { now: 1, baseOffset, ...(transaction || {}) })
}

const producerInfo = (id: number, currentTransactionStart: number): ProducerInfo => ({
  ...{ producerId: BigInt(id), producerEpoch: 0, lastSequence: -1, lastTimestamp: -1, coordinatorEpoch: -1 },
  currentTransactionStart,
})

const cases: Record<string, [log: string, open: [number, number][], expected: string, damaged?: number]> = {
  'the last record of a key counts': ['a=1 b=1,a=2 a=3', [], 'a=3 b=1'],
  'a record without a value forgets the key': ['a=1 b=1 a=', [], 'b=1'],
  'records nobody knows are passed over': ['alien=1 a=1', [], 'a=1'],
  'a transaction counts when it is committed': ['7:a=1 C7', [], 'a=1'],
  'and not when it is aborted': ['a=0 7:a=1 A7', [], 'a=0'],
  'one that is open is held': ['a=0 7:a=1', [[7, 1]], 'a=0 a=1?7'],
  'transactions of several producers are kept apart': ['7:a=1 8:b=1 C8 9:c=1 A7', [[9, 3]], 'b=1 c=1?9'],
  'what stands later counts, whichever ends later': ['7:a=1 8:a=2 C8 C7', [], 'a=2'],
  'a plain record within a transaction stands where it stands': ['7:a=1 a=2 C7', [], 'a=2'],
  'a key that was forgotten stays so when an older transaction ends': ['7:a=1 a= C7', [], ''],
  'a key that was forgotten comes back with a newer one': ['a=1 a= 7:a=2 C7', [], 'a=2'],
  'a producer has one transaction after the other': ['7:a=1 A7 7:b=1 C7 7:c=1', [[7, 4]], 'b=1 c=1?7'],
  'a marker of nothing ends nothing': ['C7 a=1 A8', [], 'a=1'],
  'a damaged batch is passed over': ['a=1 !a=2 b=1', [], 'a=1 b=1', 1],
  'a damaged record takes no other with it': ['a=1,bad=1,b=1', [], 'a=1 b=1', 1],
  'a transaction that lost its marker is given up': ['7:a=1 !C7 b=1', [], 'b=1', 2],
  'what was open before the log lost something is given up when its producer goes on': [
    '7:a=1 !A7 7:b=1 C7',
    [],
    'b=1',
    2,
  ],
  'and kept when its own marker comes': ['7:a=1 ~ C7', [], 'a=1', 1],
  'a damaged record casts no doubt on transactions': ['7:a=1 bad=1 7:b=1 C7', [], 'a=1 b=1', 1],
  'only what the open transaction wrote is held': ['7:a=1 ~ 8:x=1', [[8, 2]], 'x=1?8', 2],
}

for (const [name, [log, open, expected, damaged = 0]] of Object.entries(cases)) {
  test(name, () => {
    for (const chunkEach of [true, false]) {
      const result = replayed(log, { open, chunkEach })
      assert.equal(String(result.image), expected)
      assert.equal(result.damaged, damaged)
    }
  })
}

test('the offset after the last batch is where reading goes on', () => {
  assert.equal(replayed('a=1 b=1,c=1 7:d=1').next, 4)
})

test('superseded records are not looked into; where records build on each other, all are', () => {
  assert.equal(replayed('a=1 a=2 7:a=3 C7').image.applied, 1)
  assert.equal(replayed('a=1 a=2 7:a=3 C7', { mode: 'all' }).image.applied, 3)
})

test('more keys than are remembered at once are applied in between, with transactions open all the while', () => {
  const many = (from: number) => Array.from({ length: 26_000 }, (_, i) => `k${from + i}=1`).join(',')
  const log = ['7:a=1', '8:b=1', '9:c=1', many(0), many(26_000), 'b=2 C7 a= A9', many(60_000), many(90_000), 'C8'].join(
    ' ',
  )
  const { image, damaged } = replayed(log, { chunkEach: true })
  assert.equal(damaged, 0)
  assert.deepEqual(
    [image.committed.get('a'), image.committed.get('b')?.value, image.committed.get('c')],
    [undefined, '2', undefined],
  )
  assert.deepEqual(image.held, [])
})
