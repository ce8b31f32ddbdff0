/** What the report card reads: the table of tests in librdkafka's source, and what its program prints. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from './catalogue.ts'
import { outcomesOf } from './summary.ts'

const source = `
struct test tests[] = {
    {.name = "<MAIN>", .flags = TEST_F_LOCAL},
    _TEST(0004_conf, TEST_F_LOCAL),
    _TEST(0011_produce_batch,
          0,
          /* Produces a lot of messages */
          _THRES(.ucpu = 40.0, .scpu = 8.0)),
#if WITH_SOCKEM
    _TEST(0075_retry, TEST_F_SOCKEM),
#endif
    _TEST(0066_plugins,
          TEST_F_LOCAL | TEST_F_KNOWN_ISSUE_WIN32,
          .extra = "later"),
    _TEST(0107_topic_recreate, 0, TEST_BRKVER(2, 4, 0, 0), .scenario = "noautocreate"),
    {NULL}};
`

test('tests that need a broker are found in the table, with the cluster that they want', () => {
  assert.deepEqual(parse(source), [
    { name: '0011_produce_batch', number: '0011', scenario: 'default' },
    { name: '0075_retry', number: '0075', scenario: 'default' },
    { name: '0107_topic_recreate', number: '0107', scenario: 'noautocreate' },
  ])
  assert.throws(() => parse('int main() {}'), /has no table of tests/)
})

test('a passed, a skipped and a failed test are read from the table, the failure from what was said about it', () => {
  const printed = [
    '\x1b[31m### Test "0102_c (part:158)" failed at 0102-c.c:107:rebalance_cb() at Sun Nov 22 19:59:03 2026: ###',
    'Expected 127.0.0.1:4711, got rdkafkatest_rnd3cf786cd0c72032f_x',
    '|\x1b[32m 0001_a                                   |     PASSED |   1.250s \x1b[0m|',
    '|\x1b[36m 0002_b                                   |    SKIPPED |   0.000s \x1b[0m|\x1b[36m No SSL\x1b[0m',
    '|\x1b[31m 0102_c                                   |     FAILED |   8.100s \x1b[0m|\x1b[31m cut\x1b[0m',
  ].join('\n')
  assert.deepEqual(outcomesOf(printed, ['0001_a', '0002_b', '0102_c'], undefined, 10), [
    { name: '0001_a', state: 'pass', seconds: 1.25, reason: '' },
    { name: '0002_b', state: 'skip', seconds: 0, reason: 'No SSL' },
    {
      name: '0102_c',
      state: 'fail',
      seconds: 8.1,
      reason: '107:rebalance_cb() Expected the broker, got rdkafkatest_rnd…_x',
    },
  ])
})

test('a program that was stopped before it printed its table has failed, and so has one that crashed after it', () => {
  assert.deepEqual(outcomesOf('nothing', ['0001_a'], 'stopped after 240 s', 240), [
    { name: '0001_a', state: 'fail', seconds: 240, reason: 'stopped after 240 s' },
  ])
  const passed = '| 0001_a                                   |     PASSED |   1.250s |'
  assert.equal(outcomesOf(passed, ['0001_a'], 'ended by SIGSEGV', 2)[0]?.state, 'fail')
})
