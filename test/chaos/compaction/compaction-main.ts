/**
 * A log with compacted partitions in a process of its own, which writes while its cleaner is at work and ends itself at a step of the
 * cleaning: `compaction-main.ts '{"folder":…,"step":…,"times":3,…}'`. A line of JSON before and after each operation.
 */
import { writeSync } from 'node:fs'
import type { LogEngine } from '@odradek/log'
import { encodeBatch, encodeControlBatch } from '@odradek/protocol'
import { realClock, realDisk, SeededRandom } from '@odradek/world'
import { type KeyedRecord, type Operation, operation } from './keyed-operation.ts'
import { startEngine } from './keyed-topics.ts'
import { stepDisk } from './step-disk.ts'

export interface Life {
  readonly folder: string
  readonly leaderEpoch: number
  readonly seed: number
  readonly firstId: number
  readonly operations: number
  /** A transaction that the life before left open: it is aborted first. */
  readonly open?: { readonly id: number; readonly partition: number }
  /** Where this life ends: when the step has come so often. Undefined: after all operations. */
  readonly step?: string
  readonly times?: number
}

const life = JSON.parse(process.argv[2]!) as Life
const steps: Record<string, number> = {}
// Synchronous, or a line would be lost with the process.
const tell = (what: object) => writeSync(1, `${JSON.stringify(what)}\n`)

function step(name: string): void {
  steps[name] = (steps[name] ?? 0) + 1
  if (name === life.step && steps[name] === life.times) process.kill(process.pid, 'SIGKILL')
}

const producer = (id: number) => ({ producerId: BigInt(id), producerEpoch: 0 })

async function appendBatch(
  engine: LogEngine,
  { id, partition, end }: Operation,
  records: readonly KeyedRecord[],
  baseSequence: number,
) {
  const transactional = end !== undefined
  const identity = transactional
    ? { ...producer(id), baseSequence }
    : { producerId: -1n, producerEpoch: -1, baseSequence: -1 }
  const bytes = encodeBatch(
    records.map(([key, value]) => ({ key, value, timestamp: realClock.now() })),
    { ...identity, transactional },
  )
  const size = { recordCount: records.length, offsetCount: records.length, maxTimestamp: realClock.now() }
  return await answered(engine, { partition, bytes, ...size, ...identity, transactional, control: false })
}

async function mark(engine: LogEngine, { id, partition }: { id: number; partition: number }, type: 'commit' | 'abort') {
  const timestamp = realClock.now()
  const bytes = encodeControlBatch({ type, coordinatorEpoch: 0, timestamp, ...producer(id) })
  const size = { recordCount: 1, offsetCount: 1, maxTimestamp: timestamp }
  await answered(engine, {
    partition,
    bytes,
    ...size,
    ...producer(id),
    baseSequence: -1,
    transactional: true,
    control: true,
  })
}

async function answered(engine: LogEngine, batch: Parameters<LogEngine['append']>[0][number]): Promise<number> {
  const [answer] = await engine.append([batch], { acks: -1, deadline: realClock.monotonic() + 30_000 })
  if (!answer!.ok) throw new Error(`refused with error ${answer!.error}`)
  return answer!.baseOffset
}

const engine = await startEngine(stepDisk(realDisk, step), life.folder, life.leaderEpoch)
if (life.open) {
  await mark(engine, life.open, 'abort')
  tell({ aborted: life.open.id })
}
const random = new SeededRandom(life.seed)
for (let id = life.firstId; id < life.firstId + life.operations; id++) {
  const todo = operation(id, random)
  tell({ begun: todo })
  const offsets: number[] = []
  for (const [n, records] of todo.batches.entries())
    offsets.push(await appendBatch(engine, todo, records, n === 0 ? 0 : todo.batches[0]!.length))
  if (todo.end) await mark(engine, todo, todo.end)
  tell({ done: id, offsets })
  // The cleaner works between two operations.
  if (id % 4 === 0) await new Promise(resolve => setTimeout(resolve, 3))
}
await engine.close({ drain: true })
tell({ steps })
process.exit(0)
