/** `odradek log …` as a shell sees it, over a real folder: beside a running broker, and when it has stopped. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Broker } from '@odradek/broker'
import { Kafka } from '@odradek/client'
import { realWorld } from '@odradek/world'

const binary = fileURLToPath(new URL('../bin/odradek.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'odradek-log-commands-'))
after(() => rmSync(folder, { recursive: true }))

const config = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '4' }
const start = (name: string) =>
  Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { folder: join(folder, name) },
    config,
  })

async function odradek(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [binary, ...args], { env: { ...process.env, NO_COLOR: '1' }, cwd: folder })
  let [out, err] = ['', '']
  child.stdout.on('data', chunk => (out += chunk))
  child.stderr.on('data', chunk => (err += chunk))
  const [code] = await once(child, 'close')
  return { code, out, err }
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

/** Sends records one after the other until it is told to stop; what was acknowledged, in order. */
class Load {
  readonly acknowledged: string[] = []
  #isOn = true
  readonly #done: Promise<void>

  constructor(kafka: Kafka, topic: string) {
    this.#done = this.#run(kafka, topic)
  }

  async #run(kafka: Kafka, topic: string): Promise<void> {
    await using producer = kafka.producer()
    for (let i = 0; this.#isOn; i += 10) {
      const values = Array.from({ length: 10 }, (_, k) => `record ${i + k}`.padEnd(200, '.'))
      await Promise.all(values.map(value => producer.send(topic, { value, partition: 0 })))
      this.acknowledged.push(...values)
    }
  }

  async atLeast(count: number): Promise<void> {
    while (this.acknowledged.length < count) await new Promise(resolve => setImmediate(resolve))
  }

  stop(): Promise<void> {
    this.#isOn = false
    return this.#done
  }
}

test('a backup under load holds all that was acknowledged before; a second one adds what is new; a restored broker goes on', async () => {
  const broker = await start('data')
  const before: { acknowledged: string[]; lag: unknown } = { acknowledged: [], lag: undefined }
  const { clusterId } = broker
  {
    await using kafka = new Kafka({ brokers: broker.bootstrap })
    await kafka.admin().topics.create([{ name: 'orders', partitions: 2, config: { 'segment.bytes': '20000' } }])
    const load = new Load(kafka, 'orders')
    await load.atLeast(300)
    const consumed = await odradek('consume', 'orders', '-g', 'readers', '-n', '100', '-b', broker.bootstrap)
    assert.equal(consumed.code, 0, consumed.err)
    const first = await odradek('log', 'backup', 'data', 'backup', '-o', 'ndjson')
    assert.equal(first.code, 0, first.err)
    assert.equal(lines(first.out)[0].number, 1)
    await load.atLeast(load.acknowledged.length + 300)
    before.acknowledged = [...load.acknowledged]
    before.lag = await kafka.admin().groups.offsets('readers')
    const [second, verified] = [
      await odradek('log', 'backup', 'data', 'backup', '-o', 'ndjson'),
      await odradek('log', 'verify', 'data', '-o', 'ndjson'),
    ]
    assert.equal(second.code, 0, second.err)
    assert.equal(verified.code, 0, verified.out + verified.err)
    assert.match(verified.err, /beside a running broker/)
    assert.ok(lines(verified.out).some(({ code }) => code === 'metadata-unseen'))
    const refused = await odradek('log', 'repair', 'data')
    assert.deepEqual([refused.code, /A broker runs on data: stop it first/.test(refused.err)], [2, true])
    await load.stop()
  }
  const sealed = readdirSync(join(folder, 'data/orders-0')).filter(name => name.endsWith('.log'))[1]!
  assert.equal(
    statSync(join(folder, 'data/orders-0', sealed)).ino,
    statSync(join(folder, 'backup/data/orders-0', sealed)).ino,
    'sealed segments are links',
  )
  await broker.close()

  const restored = await odradek('log', 'restore', 'backup', 'restored')
  assert.equal(restored.code, 0, restored.err)
  const verified = await odradek('log', 'verify', 'restored', '--deep')
  assert.deepEqual([verified.code, /nothing is wrong/.test(verified.out)], [0, true], verified.out)
  const epoch = async (at: Broker) => {
    await using kafka = new Kafka({ brokers: at.bootstrap })
    return (await kafka.admin().topics.describe('orders')).partitions[0]!.leaderEpoch
  }
  const again = await start('restored')
  try {
    assert.equal(again.clusterId, clusterId)
    assert.ok((await epoch(again)) > 1000)
    await using kafka = new Kafka({ brokers: again.bootstrap })
    const values = await odradek('consume', 'orders', '-p', '0', '-e', '-f', '%v\\n', '-b', again.bootstrap)
    assert.deepEqual(values.out.split('\n').slice(0, before.acknowledged.length), before.acknowledged)
    assert.deepEqual(await kafka.admin().groups.offsets('readers'), before.lag)
    await using producer = kafka.producer()
    await producer.send('orders', { value: 'it goes on', partition: 0 })
  } finally {
    await again.close()
  }
  const full = await odradek('log', 'restore', 'backup', 'restored')
  assert.deepEqual([full.code, /restored is not empty/.test(full.err)], [2, true], full.err)
})

test('damage is found, said with its place, and mended from a backup', async () => {
  assert.equal((await odradek('log', 'backup', 'restored', 'copied', '--copy')).code, 0)
  const segment = join(folder, 'restored/orders-0/00000000000000000000.log')
  const bytes = readFileSync(segment)
  bytes[5000]! ^= 1
  writeFileSync(segment, bytes)
  truncateSync(
    join(
      folder,
      'restored/orders-0',
      readdirSync(join(folder, 'restored/orders-0')).findLast(name => name.endsWith('.log'))!,
    ),
    10,
  )
  const found = await odradek('log', 'verify', 'restored', '-o', 'ndjson')
  assert.equal(found.code, 1)
  const [first] = lines(found.out).filter(row => row.code === 'segment-damaged')
  assert.ok(first.byte <= 5000 && first.byte + first.bytes > 5000)
  assert.match(first.problem, /does not match its checksum/)
  const said = await odradek('log', 'verify', 'restored', '--topic', 'orders')
  assert.match(
    said.out,
    /damage {2}orders-0\/0+\.log, byte \d+, \d+ bytes, offsets? [\s\S]*means: [\s\S]*mend: {2}odradek log repair restored --from BACKUP_DIR/,
  )

  const before = readFileSync(segment)
  const planned = await odradek('log', 'repair', 'restored', '--from', 'copied', '--dry-run', '-o', 'json')
  assert.ok(JSON.parse(planned.out).some(({ step }: { step: string }) => /bring back/.test(step)))
  assert.deepEqual(readFileSync(segment), before)
  const mended = await odradek('log', 'repair', 'restored', '--from', 'copied', '--backup', 'aside')
  assert.equal(mended.code, 0, mended.out + mended.err)
  assert.match(mended.out, /bring back offset[\s\S]*what was changed is in .*aside/)
  assert.deepEqual(readFileSync(join(folder, 'aside/orders-0/00000000000000000000.log')), before)
  const after = await odradek('log', 'verify', 'restored')
  assert.equal(after.code, 0, after.out)
  const backup = await odradek('log', 'verify', 'copied')
  assert.deepEqual([backup.code, /a backup of \d+ files.*nothing is wrong/.test(backup.out)], [0, true], backup.out)
  const broker = await start('restored')
  await broker.close()
})

test('dump says what files hold: batches, records, group records in words, and the other files', async () => {
  const batches = lines((await odradek('log', 'dump', 'data/orders-0', '-n', '3', '-o', 'ndjson')).out)
  assert.equal(batches.length, 3)
  assert.deepEqual([batches[0].position, batches[0].baseOffset, batches[0].magic], [0, 0, 2])
  assert.equal(batches[1].baseOffset, batches[0].lastOffset + 1)
  assert.equal(batches[1].position, batches[0].position + batches[0].size)
  const records = await odradek('log', 'dump', 'data/orders-0', '--from', '120', '-n', '2', '-f', '%t %p %o %S\\n')
  assert.equal(records.out, 'orders 0 120 200\norders 0 121 200\n')
  const [record] = lines((await odradek('log', 'dump', 'data/orders-0', '--records', '-n', '1')).out)
  assert.match(record.value, /^record 0\./)
  const offsets = readdirSync(join(folder, 'data')).filter(name => name.startsWith('__consumer_offsets-'))
  const folders = offsets.map(name => `data/${name}`)
  const words = lines((await odradek('log', 'dump', ...folders, '--records')).out)
  const commit = words.findLast(row => row.type === 'OffsetCommit')
  assert.deepEqual([commit.key.group, commit.key.topic, typeof commit.value.offset], ['readers', 'orders', 'number'])
  assert.ok(words.some(row => row.type === 'ConsumerGroupMetadata' && row.key.groupId === 'readers'))
  const names = readdirSync(join(folder, 'data/orders-0'))
  const [index] = lines((await odradek('log', 'dump', 'data/orders-0/00000000000000000000.index', '-o', 'ndjson')).out)
  assert.equal(index.baseOffset, 0)
  const snapshot = names.findLast(name => name.endsWith('.snapshot'))
  assert.ok(
    lines((await odradek('log', 'dump', `data/orders-0/${snapshot}`, '-o', 'ndjson')).out)[0].batches.length > 0,
  )
  const slots = lines((await odradek('log', 'dump', 'data/checkpoint', '-o', 'ndjson')).out)
  assert.ok(slots.some(({ state, durableOffset }) => state === 'valid' && durableOffset > 600))
  assert.match((await odradek('log', 'dump', 'data/orders-0/partition.metadata')).out, /[\da-f-]{36}/)
})

test('verify looks into metadata.db, and says what a start makes of it; dump reads its log, and the manifest of a backup', async () => {
  const rows = async (name: string) => lines((await odradek('log', 'dump', name, '-o', 'ndjson')).out)
  const log = await rows('data/metadata.log')
  assert.ok(log.some(({ table, value }) => table === 'topic' && JSON.parse(value).name === 'orders'))
  const manifest = await rows('backup/manifest.json')
  assert.ok(manifest.some(({ folder: of, name }) => of === 'orders-0' && name === '00000000000000000000.log'))
  const path = join(folder, 'data/metadata.db')
  const bytes = readFileSync(path)
  writeFileSync(path, Buffer.from(bytes).fill(0x55, 100, 9000))
  const harmed = await odradek('log', 'verify', 'data')
  assert.equal(harmed.code, 1, harmed.out)
  assert.match(harmed.out, /damage {2}metadata\.db\n +metadata\.db is damaged: .*: it is made again from metadata\.log/)
  writeFileSync(path, bytes)
  assert.equal((await odradek('log', 'verify', 'data')).code, 0)
  const help = await odradek('log', 'verify', '--help')
  assert.doesNotMatch(help.out, /--broker/)
})

test('what cannot be done is said, with what to do', async () => {
  const cases: [string[], number, RegExp][] = [
    [['verify', 'nowhere'], 2, /there is no .*nowhere/],
    [['verify', 'data/orders-0'], 2, /no data folder/],
    [['verify', 'data', '--topic', 'nope'], 2, /no partition of nope in/],
    [['verify', 'data', '-b', 'localhost:9092'], 2, /Unknown option '-b'/],
    [['backup', 'data', '.'], 2, /is not empty and holds no backup/],
    [['verify', 'data', '--partition', 'x'], 2, /--partition x is not a whole number/],
    [['dump'], 2, /FILE is missing/],
    [['dump', 'data'], 2, /Name a partition's folder/],
    [['dump', 'data/metadata.db'], 2, /dump metadata.log beside it/],
    [['backup', 'data', 'data/backup'], 2, /lies in the data folder/],
    [['restore', 'data', 'somewhere'], 2, /data is no backup/],
    [['repair'], 2, /DATA_DIR is missing/],
  ]
  await Promise.all(
    cases.map(async ([args, code, message]) => {
      const ended = await odradek('log', ...args)
      assert.match(ended.err, message)
      assert.equal(ended.code, code, args.join(' '))
    }),
  )
  assert.equal(existsSync(join(folder, 'somewhere')), false)
})
