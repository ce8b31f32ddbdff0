import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AckType, ackBatches } from './acknowledgement.ts'

const accept = (...offsets: number[]) => offsets.map(offset => ({ offset, type: AckType.accept }))

test('neighbours travel together, with one type when it is the same for all', () => {
  assert.deepEqual(ackBatches([...accept(7, 5, 6), { offset: 9, type: AckType.release }]), [
    { firstOffset: 5, lastOffset: 7, acknowledgeTypes: [1] },
    { firstOffset: 9, lastOffset: 9, acknowledgeTypes: [2] },
  ])
})

test('where neighbours differ each says its own', () => {
  const mixed = [...accept(1), { offset: 2, type: AckType.gap }, ...accept(3)]
  assert.deepEqual(ackBatches(mixed), [{ firstOffset: 1, lastOffset: 3, acknowledgeTypes: [1, 0, 1] }])
  assert.deepEqual(ackBatches([]), [])
})

test('whatever is gathered is what is sent', () => {
  const acks = fc
    .uniqueArray(fc.nat(60))
    .chain(offsets =>
      fc.tuple(
        ...offsets.map(offset =>
          fc.record({ offset: fc.constant(offset), type: fc.constantFrom(0, 1, 2, 3, 4) as fc.Arbitrary<AckType> }),
        ),
      ),
    )
  fc.assert(
    fc.property(acks, some => {
      const sent = new Map<number, number>()
      for (const { firstOffset, lastOffset, acknowledgeTypes } of ackBatches(some)) {
        for (let offset = firstOffset; offset <= lastOffset; offset++) {
          assert(!sent.has(offset))
          sent.set(
            offset,
            acknowledgeTypes.length === 1 ? acknowledgeTypes[0]! : acknowledgeTypes[offset - firstOffset]!,
          )
        }
      }
      assert.deepEqual(
        sent,
        new Map(some.toSorted((a, b) => a.offset - b.offset).map(({ offset, type }) => [offset, type])),
      )
    }),
  )
})
