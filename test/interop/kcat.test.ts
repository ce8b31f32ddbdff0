/** kcat (librdkafka) against our broker, unchanged. Skips where it is not installed. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerUnderTest } from './broker-under-test.ts'

const missing = spawnSync('kcat', ['-V']).error ? 'kcat is not installed (apt-get install kcat)' : false

interface Finished {
  code: number | null
  stdout: Buffer
  stderr: string
}

function kcat(args: string[], input?: string | Buffer): Promise<Finished> {
  const child = spawn('kcat', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', chunk => stdout.push(chunk))
  child.stderr.on('data', chunk => stderr.push(chunk))
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code =>
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}

test('kcat lists the cluster', { skip: missing }, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  const { code, stdout, stderr } = await kcat(['-b', bootstrap, '-L', '-J'])
  assert.equal(code, 0, stderr)
  const { brokers } = JSON.parse(stdout.toString())
  assert.equal(brokers[0].name, bootstrap)
})

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  test(`kcat produces and consumes, compression ${codec}`, { skip: missing }, async t => {
    const { bootstrap } = await brokerUnderTest(t)
    const lines = Array.from({ length: 500 }, (_, i) => `k${i}:value ${i} ${'x'.repeat(50)}`)
    const produced = await kcat(
      ['-b', bootstrap, '-P', '-t', 'lines', '-p', '0', '-K', ':', '-z', codec, '-H', 'a=b'],
      lines.join('\n'),
    )
    assert.equal(produced.code, 0, produced.stderr)
    const { stdout, stderr } = await kcat([
      '-b',
      bootstrap,
      '-C',
      '-t',
      'lines',
      '-o',
      'beginning',
      '-e',
      '-f',
      '%k:%s|%h\\n',
    ])
    assert.equal(stdout.toString(), lines.map(line => `${line}|a=b\n`).join(''), stderr)
  })
}

test('kcat: an empty value with -Z is null, and a null key has length -1', { skip: missing }, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  await kcat(['-b', bootstrap, '-P', '-t', 'nulls', '-p', '0', '-Z', '-K', ':'], 'k:\nk2:v\n')
  const { stdout } = await kcat(['-b', bootstrap, '-C', '-t', 'nulls', '-o', 'beginning', '-e', '-f', '%K %S %p/%o\\n'])
  assert.equal(stdout.toString(), '1 -1 0/0\n2 1 0/1\n')
})

test('kcat sends and receives a record of 900 kB', { skip: missing }, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  const folder = mkdtempSync(join(tmpdir(), 'odradek-kcat-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const large = randomBytes(900_000)
  writeFileSync(join(folder, 'large'), large)
  const produced = await kcat(['-b', bootstrap, '-P', '-t', 'large', '-p', '0', join(folder, 'large')])
  assert.equal(produced.code, 0, produced.stderr)
  const { stdout } = await kcat(['-b', bootstrap, '-C', '-t', 'large', '-o', 'beginning', '-e', '-D', ''])
  assert.ok(stdout.equals(large))
})

test('a kcat group consumes everything, commits, and goes on behind what it committed', { skip: missing }, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  const group = ['-b', bootstrap, '-G', 'kg', '-X', 'auto.offset.reset=earliest', '-e', '-f', '%s\\n', 'grouped']
  await kcat(['-b', bootstrap, '-P', '-t', 'grouped'], Array.from({ length: 20 }, (_, i) => `one ${i}`).join('\n'))
  const first = await kcat(group)
  assert.equal(first.stdout.toString().trim().split('\n').length, 20, first.stderr)
  await kcat(['-b', bootstrap, '-P', '-t', 'grouped'], Array.from({ length: 5 }, (_, i) => `two ${i}`).join('\n'))
  const second = await kcat(group)
  assert.deepEqual(
    second.stdout.toString().trim().split('\n').sort(),
    ['two 0', 'two 1', 'two 2', 'two 3', 'two 4'],
    second.stderr,
  )
})

test('kcat finds offsets by time', { skip: missing }, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  await kcat(['-b', bootstrap, '-P', '-t', 'timed', '-p', '0'], 'a\nb\n')
  const { stdout, stderr } = await kcat(['-b', bootstrap, '-Q', '-t', 'timed:0:1'])
  assert.match(stdout.toString(), /timed \[0\] offset 0/, stderr)
})
