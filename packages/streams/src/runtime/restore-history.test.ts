/** All that has made other libraries hang while they restore, at once, from seeds (streams facts 2.33, 2.34, 5.2). */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KafkaStreams, KafkaStreamsOptions } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const changelog = 'app-words-changelog'
const partitions = 2
/** So long that a changelog is several fetches. */
const wordOf = (n: number) => `word${n}`.padEnd(1_200, '.')
/** Commits every tenth of a second leave markers; small segments, of which none is compacted until that is asked for. */
const options = {
  processingGuarantee: 'exactly_once_v2',
  logger: { warn() {}, error() {} },
  topicConfig: { 'segment.bytes': '65536', 'min.cleanable.dirty.ratio': '1', 'delete.retention.ms': '0' },
} as const

const isRestoring = (app: KafkaStreams) => app.tasks().some(task => task.isRestoring)
const countsIn = (apps: readonly KafkaStreams[]): Record<string, number> =>
  Object.fromEntries(
    apps
      .filter(app => app.state === 'RUNNING')
      .flatMap(app => [...app.store<string, number>('words').all()].map(([word, { value }]) => [word, value])),
  )
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0)

class History {
  readonly cluster: SimulatedCluster
  readonly expected: Record<string, number> = {}
  readonly folder = mkdtempSync(join(tmpdir(), 'odradek-history-'))

  private constructor(cluster: SimulatedCluster) {
    this.cluster = cluster
  }

  static async start(seed: number): Promise<History> {
    const config = { 'log.cleaner.backoff.ms': '100' }
    const weather = { cutChance: 0.002, delayMs: [1, 20] as [number, number] }
    const history = new History(await SimulatedCluster.start(seed, { weather, config }))
    await history.cluster.makeTopics(partitions)
    return history
  }

  async publish(count: number): Promise<void> {
    const { random } = this.cluster.world
    const lines = Array.from({ length: count }, () => Array.from({ length: 5 }, () => wordOf(random.int(300))))
    for (const word of lines.flat()) this.expected[word] = (this.expected[word] ?? 0) + 1
    await this.cluster.publish(lines.map(words => words.join(' ')))
  }

  async started(machine: string, more: Partial<KafkaStreamsOptions> = {}): Promise<KafkaStreams> {
    const kept = { stateFolder: join(this.folder, machine), ...options, ...more }
    const app = this.cluster.instance(machine, kept)
    await this.cluster.finish(app.start())
    return app
  }

  /** Records that readers of committed ones see, and offsets there are. */
  async changelog(): Promise<{ seen: number; offsets: number; markersAtEnd: boolean }> {
    const { kafka } = this.cluster
    const all = await this.cluster.finish(Array.fromAsync(kafka.read(changelog, { isolation: 'read_committed' })))
    const ends = await this.cluster.finish(kafka.admin().topics.offsets(changelog, 'latest'))
    const last = (partition: number) => all.findLast(record => record.partition === partition)?.offset ?? -1
    const offsets = ends.reduce((sum, { offset }) => sum + offset, 0)
    return {
      seen: all.length,
      offsets,
      markersAtEnd: ends.every(({ partition, offset }) => last(partition) < offset - 1),
    }
  }

  /** Answers when there is less of it. */
  async compact(): Promise<void> {
    const { seen } = await this.changelog()
    const change = { set: { 'min.cleanable.dirty.ratio': '0.01' } }
    await this.cluster.finish(this.cluster.kafka.admin().configs.alter({ topic: changelog }, change))
    await this.cluster.world.clock.advance(3_000)
    assert.ok((await this.changelog()).seen < seen / 2, 'it was compacted')
  }
}

/** An instance counts, and is gone in the middle of a transaction. */
async function begun(seed: number): Promise<History> {
  const history = await History.start(seed)
  const { cluster } = history
  const producer = { transactionTimeoutMs: 20_000 }
  const before = await history.started('before', { producer })
  for (let i = 0; i < 8; i++) {
    await history.publish(80)
    await cluster.world.clock.advance(500)
  }
  await cluster.until(() => sum(countsIn([before])) === sum(history.expected))
  await cluster.world.clock.advance(1_000)
  const { seen, offsets, markersAtEnd } = await history.changelog()
  assert.ok(markersAtEnd && seen < offsets, 'transactions end with markers')
  await history.publish(80)
  await cluster.until(() => sum(countsIn([before])) > sum(history.expected) - 200)
  cluster.world.machine('before').crash()
  return history
}

async function play(seed: number, defaultStore: 'memory' | 'disk'): Promise<void> {
  const history = await begun(seed)
  const { cluster } = history
  const { random, wire, clock } = cluster.world
  let isInTheMiddle = false
  const one = await history.started('one', {
    defaultStore,
    onRestore: ({ restored, remaining }) => void (isInTheMiddle ||= restored > 0 && remaining > 500),
  })
  await cluster.until(() => isInTheMiddle)
  wire.partition('one', 'broker')
  let two: KafkaStreams | undefined
  const joins = async () => void (two = await history.started('two', { defaultStore }))
  for (const act of random.chance(0.5) ? [() => history.compact(), joins] : [joins, () => history.compact()])
    await act()
  if (random.chance(0.3)) await clock.advance(10_000) // so long that the group does not wait for it
  assert.ok(isRestoring(one), 'in the middle of restoring')
  wire.heal()
  await clock.advance(random.int(2_000))
  if (random.chance(0.5)) {
    cluster.world.machine('two').crash()
    two = undefined
  }
  const apps = two ? [one, two] : [one]
  await cluster.until(() => apps.every(app => app.state === 'RUNNING' && !isRestoring(app)), 120_000)
  await cluster.until(() => sum(countsIn(apps)) === sum(history.expected), 120_000)
  assert.deepEqual(countsIn(apps), history.expected)
  await history.publish(20)
  await cluster.until(() => sum(countsIn(apps)) === sum(history.expected), 120_000)
  await cluster.close(...apps)
  rmSync(history.folder, { recursive: true })
}

for (const [i, seed] of (process.env.SEEDS?.split(',').map(Number) ?? [31, 32]).entries()) {
  const where = i % 2 === 0 ? 'memory' : 'disk'
  test(`restoring in ${where} meets an open transaction, markers, compaction and rebalances, and ends with every count right: seed ${seed} (streams facts 2.33, 2.34)`, () =>
    play(seed, where))
}
