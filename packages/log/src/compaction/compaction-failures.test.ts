import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { type Disk, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { committedView } from '../testing/committed-view.ts'
import { compactedTopic, expected, leftByPass, written } from '../testing/compacted-log.ts'
import { type Interruption, interruptedDisk } from '../testing/interrupted-disk.ts'
import { notes } from '../testing/notes.ts'

/** Longer than a pass that failed waits for the next. */
const patienceMs = 80_000

/** One machine, whose disk fails once, at the k-th operation of a pass. */
class Pass {
  readonly world = simulatedWorld({ seed: 11 })
  readonly log = notes()
  readonly interruption: Interruption
  backoffMs = 50
  #epoch = 0
  engine!: EmbeddedEngine

  constructor(at: number, isAfter: boolean) {
    this.interruption = { isArmed: false, count: 0, at, isAfter, countsReads: true }
  }

  async boot(wrap: (disk: Disk) => Disk): Promise<void> {
    const { clock, disk } = this.world.machine('m').boot()
    const options = { clock, disk: wrap(disk), folder: '/data', leaderEpoch: this.#epoch++, logger: this.log }
    const cleaner = () => ({ backoffMs: this.backoffMs })
    const limits = { journalBytes: 0, tailBytes: 0 }
    this.engine = await this.finish(EmbeddedEngine.start({ ...options, cleaner, limits }))
    await this.finish(this.engine.open(compactedTopic))
  }

  async run(): Promise<void> {
    await this.boot(disk => interruptedDisk(disk, this.interruption))
    for (const batch of written()) await this.append(batch)
    this.interruption.isArmed = true
    await this.world.clock.advance(60)
    this.interruption.isArmed = false
    this.backoffMs = 10_000
  }

  finish<T>(promise: Promise<T>): Promise<T> {
    return this.world.clock.finish(promise)
  }

  async append(batch: ReturnType<typeof written>[number]) {
    return (await this.finish(this.engine.append([batch], { acks: -1, deadline: Number.POSITIVE_INFINITY })))[0]!
  }

  async view() {
    const seen = await this.finish(committedView(this.engine, 1))
    return { values: Object.fromEntries(seen.map(({ key, value }) => [key, value])), count: seen.length }
  }

  /** A sync that fails may have lost what nobody can write again: only a restart finds out. */
  async isOffline(): Promise<boolean> {
    const read = { partition: 1, offset: 0, maxBytes: 1, isolation: 'uncommitted' as const }
    const [result] = await this.finish(this.engine.read([read], { maxBytes: 1, minOne: true }))
    return !result!.ok && result!.error === ErrorCodes.KAFKA_STORAGE_ERROR
  }

  said(message: string): number {
    return this.log.lines.filter(line => line.startsWith(message)).length
  }

  async leftovers(): Promise<string[]> {
    const names = await this.world.machine('m').disk.list('/data/orders-0')
    return names.filter(name => /cleaned$|swap$|new$/.test(name))
  }
}

/** What became of the partition; undefined when the pass had ended before the k-th operation. */
async function failAt(at: number, isAfter: boolean): Promise<'serves' | 'offline' | undefined> {
  const pass = new Pass(at, isAfter)
  await pass.run()
  if (pass.interruption.count < at) {
    assert.deepEqual(await pass.view(), { values: expected, count: leftByPass })
    return undefined
  }
  const where = `operation ${at} failed ${isAfter ? 'after' : 'before'} it was done`
  const isOffline = await pass.isOffline()
  if (isOffline) {
    assert.equal(pass.said('a sync failed: the partition is offline'), 1, where)
    await pass.finish(pass.engine.close({ drain: false }))
    await pass.boot(disk => disk)
  }
  assert.deepEqual((await pass.view()).values, expected, where)
  const answer = await pass.append(written().at(-1)!)
  assert.ok(answer.ok && answer.duplicate, `${where}: the producer's last batch is known`)
  await pass.world.clock.advance(patienceMs)
  assert.ok(pass.said('compacted a log') > 0, `${where}: the next pass ends well: ${pass.log.lines.join('\n')}`)
  assert.deepEqual(await pass.view(), { values: expected, count: leftByPass }, `${where}, cleaned again`)
  assert.equal(await pass.isOffline(), false, where)
  await pass.finish(pass.engine.close({ drain: true }))
  await pass.boot(disk => disk)
  assert.deepEqual((await pass.view()).values, expected, `${where}, after a restart`)
  assert.deepEqual(await pass.leftovers(), [], `${where}: nothing is left half done`)
  await pass.finish(pass.engine.close({ drain: true }))
  return isOffline ? 'offline' : 'serves'
}

for (const isAfter of [false, true])
  test(`a disk that fails once at any operation of a pass, ${isAfter ? 'done' : 'not done'}, loses no value and stops no later pass`, async () => {
    const outcomes = { serves: 0, offline: 0 }
    for (let at = 1; ; at++) {
      const outcome = await failAt(at, isAfter)
      if (outcome === undefined) break
      outcomes[outcome]++
    }
    const { serves, offline } = outcomes
    assert.ok(serves >= 50 && offline > 0 && offline < serves / 2, `${serves} serve, ${offline} offline`)
  })
