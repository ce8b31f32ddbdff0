import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../errors.ts'
import { decodeRequestBody, decodeRequestHeader, decodeResponse, encodeResponse } from '../frames.ts'
import { JoinGroup } from '../messages/join-group.ts'
import { ListGroups } from '../messages/list-groups.ts'
import { Metadata } from '../messages/metadata.ts'
import { OffsetFetch } from '../messages/offset-fetch.ts'
import { Produce } from '../messages/produce.ts'
import { Reader } from '../reader.ts'
import { mutants } from './mutants.ts'

const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)

test(`20,000 mutants decode or are refused with a DecodeError that says where (ODRADEK_SEED=${seed})`, () => {
  let refused = 0
  for (const { message, version, bytes } of mutants(seed, 20_000)) {
    try {
      message.read(new Reader(bytes), version)
    } catch (error) {
      assert.ok(error instanceof DecodeError, `seed ${seed}: ${message.name} v${version}: ${String(error)}`)
      assert.deepEqual([error.messageName, error.version], [message.name, version])
      assert.ok(error.position! >= 0 && error.position! <= bytes.length)
      refused++
    }
  }
  assert.ok(refused > 5_000, `only ${refused} were refused`)
})

test('a frame cut short anywhere is refused', () => {
  const whole = Buffer.from('0003000c000000010003636c69000100000000000000', 'hex')
  for (let length = 0; length < 13; length++) {
    assert.throws(() => decodeRequestHeader(whole.subarray(0, length)), { code: 'DECODE' })
  }
  assert.throws(() => decodeRequestBody(Metadata, 12, whole.subarray(0, 16), 13), {
    message: 'MetadataRequest v12, includeTopicAuthorizedOperations, byte 16: bool needs 1 bytes, 0 are left',
  })
})

const claim = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const refuses = (hex: string, api: any, version: number, message: RegExp): void =>
  assert.throws(() => decodeRequestBody(api, version, claim(hex), 0), { code: 'DECODE', message })

test('counts and lengths are checked against the bytes that are there, before anything is made', () => {
  refuses('7fffffff', Metadata, 1, /topics, byte 4: array of 2147483647 elements needs 4294967294 bytes, 0 are left/)
  refuses('00 ffffffff0f', Metadata, 12, /array of 4294967294 elements/)
  refuses('00 ffffffffff', Metadata, 12, /varint is longer than 32 bits/)
  refuses('00 8080808080', Metadata, 12, /varint is longer than 32 bits/)
  refuses('7fff', OffsetFetch, 1, /groupId, byte 2: string needs 32767 bytes/)
  refuses('fffe', Produce, 3, /transactionalId, byte 2: string has length -2/)
  refuses(
    'ffff 0001 00000000 00000001 0001 61 00000001 00000000 7fffffff',
    Produce,
    3,
    /topicData\[0\].partitionData\[0\].records, byte 27: byte field needs 2147483647 bytes/,
  )
})

test('tags are bounded by the frame, and known ones by the size they claim', () => {
  refuses('ffffffff0f', Metadata, 12, /^RequestHeader, byte 5: varint needs 1 bytes/)
  refuses('00 00 01 00 01 05 7f', Metadata, 12, /tagged field of 127 bytes, 0 are left/)
  const frame = claim('00000001 00 01 00000000 01 00 03 01 00 00')
  assert.throws(
    () => decodeResponse(Produce, 10, frame),
    /nodeEndpoints, byte 14: tagged field ends at byte 14, its size says 16/,
  )
})

test('an integer beyond 2^53 is refused, not rounded', () => {
  const reader = new Reader(claim('0020000000000000'))
  assert.throws(() => reader.int64(), { code: 'DECODE', message: 'int64 is beyond 2^53' })
  assert.equal(new Reader(claim('001fffffffffffff')).int64(), Number.MAX_SAFE_INTEGER)
  assert.equal(new Reader(claim('ffe0000000000001')).int64(), Number.MIN_SAFE_INTEGER)
})

test('a large request of millions of tiny elements is refused before they take many times its size', () => {
  const bytes = new Uint8Array(16 * 1024 * 1024).fill(1)
  bytes.set(claim('00 ffffff03'), 0) // 8,388,606 empty names
  assert.throws(() => decodeRequestBody(ListGroups, 4, bytes, 0), /is too much for a message of this size/)
  const protocols = Buffer.alloc(16 * 1024 * 1024, Buffer.from('01020700', 'hex')) // '', one byte, no tags, over and over
  protocols.set(claim('00 02 67 00000000 00000000 01 00 01 81808002'))
  assert.throws(
    () => decodeRequestBody(JoinGroup, 9, protocols, 0),
    /protocols.*is too much for a message of this size/,
  )
})

test('a large and honest response is decoded: 200,000 partitions of one topic', () => {
  const partition = { errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1, 2, 3], isrNodes: [1, 2, 3] }
  const topic = { errorCode: 0, name: 'text', partitions: new Array(200_000).fill(partition) }
  const frame = Buffer.concat(encodeResponse(Metadata, 12, 1, { brokers: [], topics: [topic] })).subarray(4)
  assert.equal(decodeResponse(Metadata, 12, frame).value.topics[0]!.partitions.length, 200_000)
})
