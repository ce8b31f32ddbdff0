import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AnyApi } from './api.ts'
import { apis } from './apis.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from './consumer-protocol.ts'
import { GroupMetadataValue } from './coordinator-records/group-metadata.ts'
import { OffsetCommitValue } from './coordinator-records/offset-commit.ts'
import { StreamsGroupCurrentMemberAssignmentValue } from './coordinator-records/streams-group.ts'
import { TransactionLogValue } from './coordinator-records/transaction-log.ts'
import { decodeRequestBody, decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse } from './frames.ts'
import { decodeVersioned, encodeVersioned, type Message } from './message.ts'
import { Reader } from './reader.ts'
import { arbitraryValue } from './testing/arbitrary-value.ts'
import { Writer } from './writer.ts'

const runs = { numRuns: 25 }

/** The frame without its length, after checking the length. */
function frameOf(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.concat(chunks)
  assert.equal(whole.readInt32BE(0), whole.length - 4)
  return whole.subarray(4)
}

const versionsOf = (message: Message<any>): number[] =>
  Array.from({ length: message.versions[1] - message.versions[0] + 1 }, (_, i) => message.versions[0] + i)

const header = fc.record({ correlationId: fc.integer(), clientId: fc.option(fc.string({ maxLength: 20 })) })

function checkRequest(api: AnyApi, version: number): void {
  const value = arbitraryValue(api.request.fields, version)
  const property = fc.property(header, value, (sent, request) => {
    const frame = frameOf(encodeRequest(api, version, sent, request))
    const received = decodeRequestHeader(frame)
    assert.deepEqual(
      { ...received, bodyAt: 0 },
      { apiKey: api.key, apiVersion: version, correlationId: sent.correlationId, clientId: sent.clientId, bodyAt: 0 },
    )
    assert.deepEqual(decodeRequestBody(api, version, frame, received.bodyAt), request)
  })
  fc.assert(property, runs)
}

function checkResponse(api: AnyApi, version: number): void {
  const value = arbitraryValue(api.response.fields, version)
  const property = fc.property(fc.integer(), value, (correlationId, response) => {
    const frame = frameOf(encodeResponse(api, version, correlationId, response))
    assert.deepEqual(decodeResponse(api, version, frame), { correlationId, value: response })
  })
  fc.assert(property, runs)
}

test('every request comes back as it was sent, in every version of every API', () => {
  for (const api of apis) for (const version of versionsOf(api.request)) checkRequest(api, version)
})

test('every response comes back as it was sent, in every version of every API', () => {
  for (const api of apis) for (const version of versionsOf(api.response)) checkResponse(api, version)
})

test('what is stored with its version comes back as it was stored', () => {
  const tables = [
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    GroupMetadataValue,
    OffsetCommitValue,
    StreamsGroupCurrentMemberAssignmentValue,
    TransactionLogValue,
  ] as Message<any>[]
  for (const table of tables) {
    for (const version of versionsOf(table)) {
      const property = fc.property(arbitraryValue(table.fields, version), value => {
        assert.deepEqual(decodeVersioned(table, encodeVersioned(table, version, value)), { version, value })
      })
      fc.assert(property, runs)
    }
  }
})

test('a decoder takes exactly the bytes its encoder wrote', () => {
  for (const api of apis) {
    for (const message of [api.request, api.response] as Message<any>[]) {
      for (const version of versionsOf(message)) {
        const property = fc.property(arbitraryValue(message.fields, version), value => {
          const writer = new Writer()
          message.write(writer, version, value)
          const reader = new Reader(Buffer.concat([...writer.finish(), Uint8Array.of(1, 2, 3)]))
          message.read(reader, version)
          assert.equal(reader.remaining, 3)
        })
        fc.assert(property, { numRuns: 10 })
      }
    }
  }
})
