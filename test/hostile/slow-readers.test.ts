/** A hundred consumers that ask for 50 MiB each and read nothing: the broker's memory stays, and others go on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, encodeBatch, Fetch } from '@odradek/protocol'
import { fetchRequest, produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { Target } from './target.ts'

const mebibyte = 1024 * 1024
const readers = 100
const asked = 50 * mebibyte

test(`${readers} consumers that ask for 50 MiB and never read cost the broker less than 128 MiB`, async t => {
  const target = await Target.start(t)
  const writer = await target.connect()
  const batch = encodeBatch([{ value: Buffer.alloc(900_000, 1) }])
  await produceTo(writer, 'bystander', batch.slice())
  for (let i = 0; i < 64; i++) {
    assert.equal((await produceTo(writer, 'bystander', batch.slice())).errorCode, ErrorCodes.NONE)
  }
  const before = target.grownBytes
  const deaf = await Promise.all(Array.from({ length: readers }, () => target.connect()))
  for (const client of deaf) {
    client.stopReading()
    for (let i = 0; i < 4; i++) {
      client.tell(Fetch, 12, fetchRequest('bystander', 0, { partitionMaxBytes: asked, maxBytes: asked }))
    }
  }
  await target.bystander.rounds(300)
  const grown = Math.round((target.grownBytes - before) / mebibyte)
  t.diagnostic(
    `memory grew by ${grown} MiB; slowest round of the bystander ${Math.round(target.bystander.slowestMs)} ms`,
  )
  assert.ok(grown < 128, `memory grew by ${grown} MiB`)

  deaf[0]!.readAgain()
  const { responses } = await deaf[0]!.call(Fetch, 12, fetchRequest('bystander', 0, { partitionMaxBytes: 1000 }))
  assert.ok(responses[0]!.partitions[0]!.records!.length > 0)
})
