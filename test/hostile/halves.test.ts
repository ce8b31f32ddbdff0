/** Halves of requests that fill the memory for requests: the bystander notices nothing, and a large request gets its turn soon. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ErrorCodes, encodeBatch } from '@odradek/protocol'
import { produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { closing } from '../interop/broker-under-test.ts'
import { Target } from './target.ts'

const mebibyte = 1024 * 1024

test('40 connections that never finish their requests keep nobody waiting', async t => {
  const target = await Target.start(t, ['--memory', '-c', `queued.max.request.bytes=${20 * mebibyte}`])
  const honest = await target.connect()
  const claim = Buffer.alloc(4 + mebibyte)
  claim.writeInt32BE(100 * mebibyte)
  for (let i = 0; i < 40; i++) {
    const socket = connect(target.broker.address)
    closing(t).defer(() => void socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(claim)
  }
  await target.bystander.rounds(200)
  const asked = performance.now()
  const { errorCode } = await produceTo(honest, 'bystander', encodeBatch([{ value: Buffer.alloc(900_000) }]))
  const tookMs = Math.round(performance.now() - asked)
  assert.equal(errorCode, ErrorCodes.NONE)
  assert.ok(tookMs < 10_000, `it took ${tookMs} ms`)
  assert.ok(target.grownBytes < 64 * mebibyte, `memory grew by ${Math.round(target.grownBytes / mebibyte)} MiB`)
  const { slowestMs } = target.bystander
  t.diagnostic(`a request of 900 kB took ${tookMs} ms; slowest round of the bystander ${Math.round(slowestMs)} ms`)
})
