/** The journal alone, through any history of commits on a disk that refuses writes now and then, up to a power failure. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fate, simulatedWorld } from '@odradek/world'
import fc from 'fast-check'
import { silent } from '../log-services.ts'
import { Journal, type StagedEntry } from './journal.ts'
import { type JournalEntry, sizeOfEntry, sizeOfGroup } from './journal-group.ts'
import type { Journaled } from './journal-piece.ts'
import { damagedGroups, entriesOf, scanPiece } from './journal-scan.ts'

const act = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant('commit' as const),
      sizes: fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('fail' as const),
      on: fc.constantFrom('write' as const, 'write' as const, 'write' as const, 'open' as const, 'sync' as const),
      after: fc.nat(2),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.constantFrom(1, 6_000, 40_000) }),
  },
)
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

test('a start finds in the journal all that it made durable and that is durable nowhere else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 40, size: 'max' }),
      fc.integer(),
      fc.constantFrom<Fate>('seeded', 'kept', 'lost'),
      async (acts, seed, unsynced) => {
        const history = new JournalHistory(seed)
        await history.start()
        for (const each of acts) await history.do(each)
        await history.endsWith(unsynced)
      },
    ),
    { numRuns: 300 },
  )
})

class JournalHistory {
  readonly #world
  readonly #journal: Journal
  readonly #partitions: Partition[]

  constructor(seed: number) {
    this.#world = simulatedWorld({ seed, disk: { syncMs: [0.1, 4] } })
    const { clock, disk } = this.#world.machine('m').boot()
    this.#journal = new Journal({ clock, disk, root: '/data', sequence: 1, pieceBytes: 200_000, logger: silent })
    const isLater = () => this.#world.random.int(4) === 0
    this.#partitions = [0, 1, 2].map(index => new Partition(index, isLater))
  }

  async start(): Promise<void> {
    await this.#disk.makeFolder('/data')
    await this.#world.clock.finish(this.#disk.syncFolder('/'))
  }

  async do(step: Act): Promise<void> {
    const { clock } = this.#world
    if (step.act === 'commit') await this.#commit(step.sizes)
    else if (step.act === 'wait') await clock.advance(step.ms)
    else
      this.#disk.fail({
        on: step.on,
        code: step.on === 'sync' ? 'EIO' : 'ENOSPC',
        after: step.after,
        times: step.times,
      })
  }

  get #disk() {
    return this.#world.machine('m').disk
  }

  async #commit(sizes: readonly number[]): Promise<void> {
    const group = sizes.map((bytes, i) => this.#partitions[i]!.stage(bytes))
    const size = sizeOfGroup(group.reduce((sum, { entry }) => sum + sizeOfEntry(entry), 0))
    if (size > this.#journal.room) return
    const isDurable = await this.#world.clock.finish(this.#journal.commit(group))
    if (isDurable) for (const [i, { entry }] of group.entries()) this.#partitions[i]!.journaled(entry)
  }

  async endsWith(unsynced: Fate): Promise<void> {
    this.#disk.healAll()
    this.#disk.crash({ unsynced })
    const names = (await this.#disk.exists('/data/journal')) ? await this.#disk.list('/data/journal') : []
    const pieces = await Promise.all(
      names.map(async name => scanPiece(Buffer.from(await this.#disk.readFile(`/data/journal/${name}`)))),
    )
    const found = new Set([...entriesOf(pieces)].map(({ owner, position }) => `${owner.index}@${position}`))
    for (const { index, needed } of this.#partitions)
      for (const position of needed) assert(found.has(`${index}@${position}`), `partition ${index}, ${position}`)
    assert.equal(damagedGroups(pieces), 0)
  }
}

/** Each of its entries stands at a position of its own. */
class Partition implements Journaled {
  readonly index: number
  /** Positions that are durable in the journal alone. */
  readonly needed = new Set<number>()
  readonly #isLater: () => boolean
  #position = 0

  constructor(index: number, isLater: () => boolean) {
    this.index = index
    this.#isLater = isLater
  }

  stage(bytes: number): StagedEntry {
    const owner = { topicId: '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01', topic: 'orders', index: this.index }
    const chunks = [new Uint8Array(bytes).fill(this.#position + 1)]
    const entry = { owner, segment: 0, position: this.#position++, nextOffset: this.#position, chunks, bytes }
    return { entry, from: this }
  }

  journaled({ position }: JournalEntry): void {
    this.needed.add(position)
  }

  async settle(): Promise<'settled' | 'later'> {
    if (this.#isLater()) return 'later'
    this.needed.clear()
    return 'settled'
  }
}
