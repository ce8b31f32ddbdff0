/**
 * `kill -9` at any moment while producing with acks=all: every acknowledged record is there, at its offset, in order, once, and
 * committed offsets never go back, neither those of an admin nor those of a group that reads along. Some kills meet a broker that is ending
 * in order, some one that is starting. A few in every test run; `npm run kill-nine` for the fifty that are promised.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from '@odradek/client'
import { closing } from '../interop/broker-under-test.ts'
import { Committing, Producing, Reading } from './kill-nine-load.ts'
import { freePort, ServeProcess } from './serve-process.ts'

const kills = Number(process.env.ODRADEK_KILLS ?? 5)
const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)

test(`${kills} × kill -9 lose, repeat and reorder nothing that was acknowledged (ODRADEK_SEED=${seed})`, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-kill-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const args = ['--listen', `127.0.0.1:${port}`, '--data', folder, ...smallSegments]
  const serve = () => ServeProcess.start(args)
  let broker = await serve()
  closing(t).defer(async () => void (await broker.end('SIGKILL')))
  const kafka = closing(t).use(new Kafka({ brokers: broker.bootstrap, retryTimeoutMs: 60_000 }))
  await kafka.admin().topics.create([{ name: 'numbers', partitions: 3 }])
  const producing = [new Producing(kafka, 'a'), new Producing(kafka, 'b')]
  const committing = new Committing(kafka)
  const reading = new Reading(kafka)
  const loads = [...producing, committing, reading]
  const running = Promise.all(loads.map(load => load.run()))
  // A load that fails must not leave the test waiting for its progress.
  const going = <T>(step: Promise<T>) => Promise.race([step, running.then(() => step)])

  const restarts: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    await going(Promise.all(loads.map(load => load.progress())))
    // Some moment of the load, not one that the load chooses.
    await sleep(fraction(seed, kill) * 120)
    const moment = fraction(seed + 1, kill)
    if (kill % 3 === 1) await broker.killedEnding(moment * 30)
    else await broker.end('SIGKILL')
    if (kill % 3 === 2) await ServeProcess.killedStarting(args, 100 + moment * 150)
    const killed = performance.now()
    broker = await serve()
    restarts.push(performance.now() - killed)
  }
  await going(Promise.all(loads.map(load => load.progress())))
  for (const load of loads) load.stop()
  await running

  const acknowledged = producing.flatMap(each => each.acknowledged)
  const records = await checkedLog(kafka, acknowledged)
  committing.check()
  reading.check(records)
  const slowest = Math.round(Math.max(...restarts))
  t.diagnostic(
    `${kills} kills, ${acknowledged.length} records acknowledged of ${records.size}, ${reading.count} read by the group, ` +
      `${committing.count} commits; slowest start ${slowest} ms`,
  )
})

/** Rolling, describing and rewriting happen under the kills, too. */
const smallSegments = ['-c', 'log.segment.bytes=60000', '-c', 'group.initial.rebalance.delay.ms=0']

/** What the log holds, value by partition and offset, once it is checked. */
async function checkedLog(kafka: Kafka, acknowledged: Producing['acknowledged']): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for await (const record of kafka.read('numbers', { from: 'earliest', until: 'end' })) {
    const value = Buffer.from(record.value as Uint8Array).toString()
    const [name, number] = value.split(' ')
    const line = `${name} in partition ${record.partition}`
    assert.ok(!seen.has(value), `${value} is there twice`)
    assert.ok(Number(number) > (last.get(line) ?? -1), `${value} is out of order in partition ${record.partition}`)
    seen.add(value)
    last.set(line, Number(number))
    found.set(`${record.partition}/${record.offset}`, value)
  }
  assert.ok(acknowledged.length > 0)
  for (const { partition, offset, value } of acknowledged) {
    assert.equal(found.get(`${partition}/${offset}`), value, `acknowledged at ${partition}/${offset}`)
  }
  return found
}

/** Of 1, the same for the same seed. */
function fraction(of: number, step: number): number {
  const mixed = Math.imul((of + 1) * 2_654_435_761 + step * 40_503, 2_246_822_519) >>> 0
  return mixed / 2 ** 32
}
