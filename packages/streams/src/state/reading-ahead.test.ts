import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { ExpectedKeys } from './expected-keys.ts'
import { HeldChanges } from './held-changes.ts'
import { openDatabase, openEnvironment, ownDatabaseKey } from './lmdb.ts'
import { PageReads } from './page-reads.ts'

const root = mkdtempSync(`${tmpdir()}/odradek-reading-ahead-`)
after(() => rmSync(root, { recursive: true, force: true }))

const batch = (n: number): string[] => Array.from({ length: 100 }, (_, i) => `${n}-${i}`)

test('a store that is asked for the keys of records is found out, and one that is not any more as well', () => {
  const expected = new ExpectedKeys()
  assert.equal(expected.come(batch(1)), false)
  for (const text of ['other', ...batch(2)]) expected.asked(text)
  assert.equal(expected.come(batch(2)), false)
  for (const text of batch(1)) expected.asked(text)
  assert.equal(expected.come(batch(3)), true)
  for (let n = 4; n < 40; n++) expected.come(batch(n))
  assert.equal(expected.come(batch(40)), false)
  for (const text of batch(33)) expected.asked(text)
  assert.equal(expected.come(batch(41)), true)
  assert.equal(new ExpectedKeys().come([]), false)
})

test('pages are read ahead where the process waits for many, and nowhere else', () => {
  let faults = 1_000
  const reads = new PageReads(() => faults)
  assert.equal(reads.areMany(320), false)
  faults += 10
  assert.equal(reads.areMany(320), false)
  faults += 11
  assert.equal(reads.areMany(320), true)
  assert.equal(reads.areMany(320), false)
})

test('a database may be written and closed while its pages are read ahead', async () => {
  const environment = openEnvironment(root)
  const database = openDatabase(environment, 'store')
  const keys = Array.from({ length: 20_000 }, (_, i) => ownDatabaseKey(`key-${i}`, 'store'))
  const write = (value: string) =>
    environment.transactionSync(() => {
      for (const key of keys) database.putSync(key, Buffer.from(value))
    })
  write('before')
  const reads = new PageReads()
  reads.ahead(database, [...keys, ownDatabaseKey('', 'store'), ownDatabaseKey('missing', 'store')])
  write('after')
  assert.equal(database.getBinary(keys[7]!)?.toString(), 'after')
  await reads.end()
  await environment.close()
})

test('changes are written when an instance holds too many of them, by those who hold their share', () => {
  const changes = new HeldChanges()
  const mebibytes = (held: number) => ({ held: held * 2 ** 20 })
  const [many, some, few] = [mebibytes(40), mebibytes(14), mebibytes(9)]
  for (const holder of [many, some, few]) changes.add(holder)
  assert.equal(changes.areTooMany, false)
  assert.deepEqual(
    [many, some, few].map(holder => changes.areWorthWriting(holder)),
    [true, true, false],
  )
  few.held += 2 ** 20
  assert.equal(changes.areTooMany, true)
  many.held = 0
  assert.deepEqual([changes.areTooMany, changes.areWorthWriting(some)], [false, false])
  changes.remove(few)
  some.held *= 2
  assert.equal(changes.areWorthWriting(some), true)
})
