import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transaction } from './transaction.ts'
import { TransactionImage } from './transaction-image.ts'
import { type TransactionLog, TransactionView } from './transaction-view.ts'

test('what stands in a partition that its key does not belong to is passed over, also when all are asked for', () => {
  const [here, elsewhere] = [new TransactionImage(() => {}), new TransactionImage(() => {})]
  const record = (id: string) => ({ id, transaction: { id } as Transaction })
  here.apply(record('a'))
  elsewhere.apply(record('b'))
  const log = { image: () => here, images: () => [here, elsewhere] } as unknown as TransactionLog
  const view = new TransactionView(log)
  assert.deepEqual(
    [...view.all()].map(({ id }) => id),
    ['a'],
  )
})
