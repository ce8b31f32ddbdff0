import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Serde, serde } from '@odradek/client'
import {
  deadLetter,
  type ErrorOptions,
  type FailurePlace,
  logAndContinue,
  StreamsBuilder,
  StreamsError,
  TopologyTestDriver,
} from '../index.ts'

const text = serde.string

/** `in` through one operator into `out`; what is in dead letters can be read. */
function driving(operator: (value: string) => string | Promise<string>, options: ErrorOptions, value = text) {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: text, value: text })
    .flatMapValues(async line => [await operator(line)], { name: 'work' })
    .to('out', { name: 'sink', value })
  const driver = new TopologyTestDriver(builder.build(), options)
  const pipe = (value: string) => driver.input('in', text, text).pipe('k', value, 5)
  const values = () =>
    driver
      .output('out', text, text)
      .read()
      .map(record => record.value)
  return { driver, pipe, values }
}

const failingOn = (bad: string) => (line: string) => {
  if (line === bad) throw new RangeError(`not ${bad}`)
  return line
}

const headersOf = (headers: readonly (readonly [string, Uint8Array | null])[]) =>
  headers.map(([name, value]) => [name, value && new TextDecoder().decode(value)])

test('a callback that throws is passed over by logAndContinue: a dead letter with the six headers, and the next record', async () => {
  const logged: object[] = []
  const logger = { warn: (fields: object) => void logged.push(fields), error() {} }
  const { driver, pipe, values } = driving(failingOn('bad'), {
    handlers: { processing: logAndContinue },
    deadLetterTopic: 'dead',
    logger,
  })
  for (const line of ['a', 'bad', 'b']) await pipe(line)
  assert.deepEqual(values(), ['a', 'b'])
  assert.equal(driver.droppedRecords, 1)
  const [letter, ...others] = driver.output('dead', text, text).read()
  assert.deepEqual(others, [])
  assert.deepEqual([letter!.key, letter!.value, letter!.timestamp], ['k', 'bad', 5])
  const [exception, message, stack, topic, partition, offset] = headersOf(letter!.headers)
  assert.deepEqual(
    [exception, message, topic, partition, offset],
    [
      ['__streams.errors.exception', 'RangeError'],
      ['__streams.errors.message', 'not bad'],
      ['__streams.errors.topic', 'in'],
      ['__streams.errors.partition', '0'],
      ['__streams.errors.offset', '1'],
    ],
  )
  assert.equal(stack![0], '__streams.errors.stacktrace')
  assert.match(stack![1]!, /^RangeError: not bad\n +at /)
  assert.equal(letter!.headers.length, 6)
  assert.equal(logged.length, 1)
  assert.partialDeepStrictEqual(logged[0], { node: 'work', taskId: '0_0', topic: 'in', partition: 0, offset: 1 })
})

test('without a handler the first failure ends, after its dead letter', async () => {
  const { driver, pipe } = driving(failingOn('bad'), { deadLetterTopic: 'dead' })
  await assert.rejects(pipe('bad'), (error: StreamsError) => {
    assert.ok(error instanceof StreamsError)
    assert.deepEqual([error.code, error.node, error.offset], ['PROCESSING', 'work', 0])
    return true
  })
  assert.deepEqual(driver.producedTopics, ['dead'])
})

test('a node that is passed over is left, and what its parent forwards next goes on', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: text, value: text })
    .flatMapValues(line => line.split(' '))
    .flatMapValues(word => [failingOn('bad')(word)])
    .to('out', { value: text })
  const driver = new TopologyTestDriver(builder.build(), { handlers: { processing: () => 'resume' } })
  await driver.input('in', text, text).pipe('k', 'one bad two', 0)
  assert.deepEqual(driver.output('out', text, text).readPairs(), [
    ['k', 'one'],
    ['k', 'two'],
  ])
})

const picky: Serde<string> = {
  ...text,
  name: 'picky',
  deserialize: (bytes, context) => {
    const value = text.deserialize(bytes, context)
    if (value === 'bad') throw new SyntaxError('unreadable')
    return value
  },
  serialize: (value, context) => {
    if (value === 'bad') throw new SyntaxError('unwritable')
    return text.serialize(value, context)
  },
}

test('a record that cannot be read is for the deserialization handler, in bytes', async () => {
  const places: FailurePlace[] = []
  const builder = new StreamsBuilder()
  builder.stream('in', { key: text, value: picky }).to('out', { value: text })
  const driver = new TopologyTestDriver(builder.build(), {
    handlers: {
      async deserialization(error, at) {
        places.push(at)
        return { answer: 'resume', deadLetters: [deadLetter(error, at, 'mine')] }
      },
    },
  })
  const input = driver.input('in', text, text)
  for (const line of ['a', 'bad', 'b']) await input.pipe('k', line, 7)
  assert.deepEqual(
    driver
      .output('out', text, text)
      .read()
      .map(({ value }) => value),
    ['a', 'b'],
  )
  assert.partialDeepStrictEqual(places, [{ node: 'KSTREAM-SOURCE-0000000000', topic: 'in', offset: 1, timestamp: 7 }])
  assert.deepEqual(driver.output('mine', text, text).readPairs(), [['k', 'bad']])
})

test('what the serde of a sink does not take is for the production handler; it cannot be retried', async () => {
  const parts: unknown[] = []
  const answering = (answer: 'resume' | 'retry') =>
    driving(
      line => line,
      {
        handlers: {
          production(_, at) {
            parts.push([at.node, at.part])
            return answer
          },
          processing: () => assert.fail('it is no failure of a callback'),
        },
      },
      picky,
    )
  const { pipe, values } = answering('resume')
  for (const line of ['bad', 'good']) await pipe(line)
  assert.deepEqual(values(), ['good'])
  await assert.rejects(answering('retry').pipe('bad'), { code: 'PROCESSING', node: 'sink' })
  assert.deepEqual(parts, [
    ['sink', 'value'],
    ['sink', 'value'],
  ])
})

test('a handler that throws, or answers something else, ends with an error that names it', async () => {
  const throwing = driving(failingOn('bad'), {
    handlers: {
      processing: () => {
        throw new Error('no disk')
      },
    },
  })
  await assert.rejects(
    throwing.pipe('bad'),
    /The processing handler itself failed, on a failure of node work .*no disk/,
  )
  const wrong = driving(failingOn('bad'), { handlers: { processing: () => 'skip' as 'resume' } })
  await assert.rejects(wrong.pipe('bad'), /processing handler answered "skip". Answer 'resume' or 'fail'/)
})

test('a failure in a punctuation has no record: headers tell -1', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', { key: text, value: text }).to('out', { value: text })
  const topology = builder.build()
  topology.add({
    kind: 'processor',
    name: 'alarm',
    parents: ['KSTREAM-SOURCE-0000000000'],
    make: () => ({
      init(context) {
        context.schedule({ every: 10, by: 'wall-clock' }, () => {
          throw new Error('late')
        })
      },
      process() {},
    }),
  })
  const driver = new TopologyTestDriver(topology, {
    handlers: { processing: logAndContinue },
    deadLetterTopic: 'dead',
    startAt: 100,
    logger: { warn() {}, error() {} },
  })
  await driver.advanceWallClock(10)
  const [letter] = driver.output('dead', text, text).read()
  assert.deepEqual([letter!.key, letter!.value, letter!.timestamp], [null, null, 110])
  assert.deepEqual(headersOf(letter!.headers).slice(3), [
    ['__streams.errors.topic', null],
    ['__streams.errors.partition', '-1'],
    ['__streams.errors.offset', '-1'],
  ])
})
