/** The command line as a shell sees it: arguments in, text and an exit code out, against a broker in this process. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Broker } from '@odradek/broker'
import { realWorld } from '@odradek/world'

const binary = fileURLToPath(new URL('../bin/odradek.js', import.meta.url))
let broker: Broker
const folder = mkdtempSync(join(tmpdir(), 'odradek-cli-'))

before(async () => {
  const config = { 'num.partitions': '2' }
  broker = await Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { memory: true },
    config,
  })
})

after(async () => {
  await broker.close({ drain: false })
  rmSync(folder, { recursive: true })
})

interface Ended {
  code: number | null
  out: string
  err: string
}

async function odradek(args: string[], options: { input?: string; broker?: string } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [binary, ...args], {
    env: { ...process.env, ODRADEK_BROKER: options.broker ?? broker.bootstrap, NO_COLOR: '1' },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', chunk => (out += chunk))
  child.stderr.on('data', chunk => (err += chunk))
  child.stdin.on('error', () => {}) // it may have ended before it read all
  child.stdin.end(options.input)
  const [code] = await once(child, 'close')
  return { code, out, err }
}

test('topics: create, ls, describe, alter, add-partitions, trim, delete', async () => {
  const made = await odradek(['topic', 'create', 'orders', '-p', '3', '-c', 'retention.ms=3600000'])
  assert.equal(made.code, 0, made.err)
  const again = await odradek(['topic', 'create', 'orders'])
  assert.equal(again.code, 1)
  assert.match(again.err, /orders/)
  assert.equal((await odradek(['topic', 'create', 'orders', '--if-not-exists'])).code, 0)
  const listed = JSON.parse((await odradek(['topic', 'ls', '-o', 'json'])).out)
  assert.deepEqual(
    listed.map(({ topic, partitions }: { topic: string; partitions: number }) => [topic, partitions]),
    [['orders', 3]],
  )
  await odradek(['topic', 'alter', 'orders', 'retention.ms-', 'max.message.bytes=2000'])
  const settings = (await odradek(['topic', 'describe', 'orders', '--configs'])).out
  assert.match(settings, /^retention\.ms +604800000 +default/m)
  assert.match(settings, /^max\.message\.bytes +2000 +topic/m)
  assert.equal((await odradek(['topic', 'add-partitions', 'orders', '4'])).code, 0)
  await odradek(['produce', 'orders', '-p', '1'], { input: 'a\nb\nc\n' })
  const trimmed = await odradek(['topic', 'trim', 'orders', '-p', '1', '--before', '2', '-o', 'ndjson'])
  assert.deepEqual(JSON.parse(trimmed.out), { topic: 'orders', partition: 1, first: 2 })
  assert.match((await odradek(['topic', 'describe', 'orders'])).out, /^ +1 +1 +1 +1 +2 +3$/m)
  assert.equal((await odradek(['topic', 'delete', 'orders'])).code, 0)
  assert.equal((await odradek(['topic', 'ls', '-o', 'ndjson'])).out, '')
})

test('records: lines, keys, headers, nulls; a template prints them; NDJSON copies a topic', async () => {
  await odradek(['topic', 'create', 'a', '-p', '1'])
  const produced = await odradek(['produce', 'a', '-K', ':', '-Z', '-H', 'h=x'], { input: 'k1:v1\nk2:\n' })
  assert.equal(produced.err, '2 records written to a\n')
  await odradek(['produce', 'a', 'last', '-k', 'k3'])
  const consumed = await odradek(['consume', 'a', '-e', '-f', '%p/%o %k=%v/%S %h\\n'])
  assert.equal(consumed.out, '0/0 k1=v1/2 h=x\n0/1 k2=/-1 h=x\n0/2 k3=last/4 \n')
  const lines = (await odradek(['consume', 'a', '-e', '-o', 'ndjson'])).out
  await odradek(['produce', 'b', '--ndjson'], { input: lines })
  const copied = await odradek(['consume', 'b', '-e', '-f', '%k=%v/%S %h\\n'])
  assert.deepEqual(
    copied.out.split('\n').sort(),
    consumed.out
      .replace(/^0\/\d /gm, '')
      .split('\n')
      .sort(),
  )
  const last = await odradek(['consume', 'a', '--from', '-1', '--until', 'end', '-f', '%v'])
  assert.equal(last.out, 'last')
  assert.deepEqual(JSON.parse((await odradek(['consume', 'a', '-e', '-o', 'json'])).out).length, 3)
})

test('groups: consume in one, ls, lag, describe, reset, delete', async () => {
  await odradek(['produce', 'g'], { input: 'a\nb\nc\n' })
  const consumed = await odradek(['consume', 'g', '-g', 'readers', '-n', '3'])
  assert.deepEqual(consumed.out.trim().split('\n').sort(), ['a', 'b', 'c'], consumed.err)
  assert.match((await odradek(['group', 'ls'])).out, /^readers +Empty/m)
  const lag = (await odradek(['group', 'lag', 'readers', '-o', 'ndjson'])).out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.equal(
    lag.reduce((sum, row) => sum + row.lag, 0),
    0,
  )
  const plan = await odradek(['group', 'reset', 'readers', '--to', 'start', '--dry-run', '-o', 'json'])
  assert.ok(JSON.parse(plan.out).some(({ from, to }: { from: number; to: number }) => from > to))
  assert.equal((await odradek(['group', 'reset', 'readers', '--to', '-1'])).code, 0)
  assert.equal((await odradek(['group', 'delete', 'readers'])).code, 0)
  assert.doesNotMatch((await odradek(['group', 'ls'])).out, /readers/)
})

test('what cannot be done is said in one line, with what to do, and exits 1', async () => {
  const missing = await odradek(['topic', 'describe', 'nowhere'])
  assert.deepEqual([missing.code, missing.out], [1, ''])
  assert.match(missing.err, /^odradek: topic 'nowhere' does not exist.*topic create nowhere/)
  const unreachable = await odradek(['topic', 'ls'], { broker: '127.0.0.1:1' })
  assert.equal(unreachable.code, 1)
  assert.match(unreachable.err, /^odradek: .*127\.0\.0\.1:1.*refused.*\n$/)
})

test('a wrong call exits 2 and says what there is', async () => {
  const cases: [string[], RegExp][] = [
    [['nonsense'], /no command 'nonsense'.*topic/],
    [['topic', 'nonsense'], /no 'topic nonsense'/],
    [['topic', 'create'], /TOPIC is missing/],
    [['topic', 'create', 'x', '-p', 'many'], /-p many is not a whole number/],
    [['topic', 'ls', '--nonsense'], /Unknown option '--nonsense'.*--help/s],
    [['topic', 'ls', 'extra'], /'extra' is one argument too many/],
    [['topic', 'create', 'never-made', '-o', 'foo'], /-o foo is none of/],
    [['consume', 'a', '-p', '-1'], /no partition -1/],
    [['topic', 'ls', '-o', 'xml'], /-o xml is none of table, json, ndjson, yaml/],
    [['consume', 'a', '-f', '%q'], /%q is not a format token/],
    [['consume', 'a', '--from', 'yesterday'], /'yesterday' is no place to begin/],
    [['serve', '--listen', '127.0.0.1:0'], /--data DIR, or --memory/],
    [['serve', '--listen', 'here', '--memory'], /--listen here is not HOST:PORT/],
    [['serve', '--listen', broker.bootstrap, '--memory'], /is taken/],
    [['serve', '--listen', '127.0.0.1:0', '--memory', '-c', 'num.partitions=none'], /num\.partitions/],
    [['produce', 'a', '-l', '/nowhere/at/all'], /there is no \/nowhere\/at\/all/],
  ]
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, err } = await odradek(args)
      assert.match(err, message)
      assert.equal(code, 2, `${args.join(' ')}: ${err}`)
    }),
  )
})

test('a wrong flag is found out before anything is done', async () => {
  await odradek(['topic', 'create', 'never-made', '-o', 'foo'])
  assert.doesNotMatch((await odradek(['topic', 'ls'])).out, /never-made/)
})

test('a group that is not there is said to be missing, and exits 1', async () => {
  for (const args of [
    ['describe', 'nog'],
    ['lag', 'nog'],
    ['reset', 'nog', '--to', '5'],
  ]) {
    const { code, out, err } = await odradek(['group', ...args])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /there is no group 'nog'/)
  }
})

test('serve prints its line, takes settings from a file, and ends with 0 at SIGTERM', async () => {
  writeFileSync(join(folder, 'server.properties'), '# comment\nnum.partitions = 5\n')
  const child = spawn(process.execPath, [
    binary,
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--data',
    join(folder, 'data'),
    '--config',
    join(folder, 'server.properties'),
  ])
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const [, bootstrap] = /^odradek ready on (127\.0\.0\.1:\d+)\n$/.exec(line.toString()) ?? []
  assert.ok(bootstrap, line.toString())
  const made = await odradek(['topic', 'create', 'five', '-o', 'json'], { broker: bootstrap })
  assert.equal(JSON.parse(made.out)[0].partitions, 5)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

test('the word count ends with 0 when its counts are right; on a free port where the usual one is taken', async t => {
  const taken = createServer().listen(9092, '127.0.0.1')
  taken.on('error', () => {}) // somebody has it already: as good
  t.after(() => taken.close())
  writeFileSync(join(folder, 'text'), 'all streams lead to kafka\nhello kafka streams\n')
  const args = ['demo', 'word-count', join(folder, 'text'), '--once']
  const embedded = await odradek([...args, '--data', join(folder, 'demo')], { broker: '' })
  assert.equal(embedded.code, 0, embedded.err + embedded.out)
  assert.match(embedded.out, /9092 is taken[\s\S]*2 lines, 8 words, 6 different[\s\S]*✓ equal to a count made directly/)
  for (const total of [8, 16]) {
    const named = await odradek(args)
    assert.equal(named.code, 0, named.err + named.out)
    assert.match(named.out, new RegExp(`2 lines, ${total} words`))
  }
  const counts = await odradek(['consume', 'streams-wordcount-output', '-e', '--value-as', 'int64', '-f', '%k %v\\n'])
  assert.equal(
    counts.out.split('\n').findLast(line => line.startsWith('kafka ')),
    'kafka 4',
  )
})

test('three nodes are three ports, and every one of them answers', async () => {
  const child = spawn(process.execPath, [binary, 'serve', '--listen', '127.0.0.1:0', '--memory', '--nodes', '3'])
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const addresses = line.toString().trim().replace('odradek ready on ', '').split(',')
  assert.equal(addresses.length, 3)
  await odradek(['topic', 'create', 'spread', '-p', '6'], { broker: addresses[2]! })
  const leaders = (await odradek(['topic', 'describe', 'spread', '-o', 'json'], { broker: addresses[1]! })).out
  assert.equal(new Set(JSON.parse(leaders).map(({ leader }: { leader: number }) => leader)).size, 3)
  child.kill('SIGTERM')
  await once(child, 'exit')
})

test('help is there for the tool, a family and a command; the version is said', async () => {
  assert.match((await odradek(['--help'])).out, /word-count/)
  assert.match((await odradek(['topic', '--help'])).out, /add-partitions TOPIC TOTAL/)
  assert.match(
    (await odradek(['topic', 'create', '--help'])).out,
    /Usage: odradek topic create TOPIC \[flags\][\s\S]*-p, --partitions N/,
  )
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  assert.match((await odradek(['--version'])).out, new RegExp(`^odradek ${version} `))
})
