import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GroupHost, offset } from './testing/group-host.ts'

/**
 * Commits, transactional and not, deletions, markers, compaction and power failures at random, beside a model that says it plainly: what
 * is committed at a place is the last of its records that are not in a transaction, or in one that was committed.
 */

const groups = ['a', 'b'] as const
const producers = [1n, 2n, 3n] as const

interface Entry {
  readonly group: string
  readonly partition: number
  /** Null: deleted. */
  readonly value: number | null
  readonly producer: bigint | null
  outcome: 'open' | 'commit' | 'abort'
}

class Model {
  readonly #entries: Entry[] = []

  add(entry: Omit<Entry, 'outcome'>): void {
    this.#entries.push({ ...entry, outcome: entry.producer === null ? 'commit' : 'open' })
  }

  end(producer: bigint, outcome: 'commit' | 'abort'): void {
    for (const entry of this.#entries)
      if (entry.producer === producer && entry.outcome === 'open') entry.outcome = outcome
  }

  committed(group: string, partition: number): number | undefined {
    return this.#of(group, partition).findLast(entry => entry.outcome === 'commit')?.value ?? undefined
  }

  hasOpen(group: string, partition: number): boolean {
    return this.#of(group, partition).some(({ outcome }) => outcome === 'open')
  }

  /**
   * A deletion takes what was open with it. A start looks at the last record of each key only, and compaction leaves no other: when a
   * commit follows the deletion it is not seen any more, and the place counts as unstable until the transaction ends. That holds up a
   * reader, and changes no offset.
   */
  isUnstable(group: string, partition: number): boolean {
    const entries = this.#of(group, partition)
    return entries
      .slice(entries.findLastIndex(({ value }) => value === null) + 1)
      .some(({ outcome }) => outcome === 'open')
  }

  #of(group: string, partition: number): Entry[] {
    return this.#entries.filter(entry => entry.group === group && entry.partition === partition)
  }
}

const place = { group: fc.constantFrom(...groups), partition: fc.nat(2) }
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('commit' as const), ...place }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('pend' as const), ...place, producer: fc.constantFrom(...producers) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      producer: fc.constantFrom(...producers),
      outcome: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('forget' as const), ...place }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), group: fc.constantFrom(...groups) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('crash' as const, 'compact' as const, 'restart' as const) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const anybody = { memberId: '', instanceId: null, generation: -1, apiVersion: 3 }

async function take(host: GroupHost, model: Model, step: Step, value: number): Promise<void> {
  const change = (partition: number) => ({ topic: 't', partition, committed: offset(value) })
  switch (step.type) {
    case 'commit':
      assert.equal(await host.commit(step.group, [change(step.partition)]), 0)
      return model.add({ ...step, value, producer: null })
    case 'pend': {
      const producer = { producerId: step.producer, producerEpoch: 0 }
      const written = host.groups.commitInTransaction(step.group, anybody, producer, [change(step.partition)])
      assert.equal(await host.finish(written), 0)
      return model.add({ ...step, value })
    }
    case 'end': {
      const marker = { producerId: step.producer, producerEpoch: 0, coordinatorEpoch: 0, outcome: step.outcome }
      for (const partition of host.partitionIds) await host.finish(host.groups.endTransaction(partition, marker))
      return model.end(step.producer, step.outcome)
    }
    case 'forget':
      await host.finish(host.groups.forget(step.group, [{ topic: 't', partition: step.partition }]))
      return model.add({ ...step, value: null, producer: null })
    case 'delete':
      await host.finish(host.groups.delete(step.group))
      for (const partition of [0, 1, 2]) model.add({ group: step.group, partition, value: null, producer: null })
      return
    case 'compact':
      return host.world.clock.advance(40_000)
    case 'restart':
      return host.restart()
    case 'crash':
      return host.crash()
  }
}

async function compare(host: GroupHost, model: Model, what: string): Promise<void> {
  for (const group of groups) {
    for (const partition of [0, 1, 2]) {
      const where = `${group} ${partition} after ${what}`
      assert.equal(await host.committed(group, 't', partition), model.committed(group, partition), where)
      const isUnstable = host.groups.isUnstable(group, 't', partition)
      assert.ok(isUnstable ? model.hasOpen(group, partition) : !model.isUnstable(group, partition), where)
    }
  }
}

test('offsets count when their transaction is committed, however it is interleaved, compacted and restarted', async () => {
  const property = fc.asyncProperty(fc.nat(1_000_000), fc.array(step, { maxLength: 40 }), async (seed, steps) => {
    const host = await GroupHost.start({ seed, partitions: 2, segmentBytes: 500 })
    await host.commit('a', [{ topic: 'other', partition: 0, committed: offset(0) }])
    const model = new Model()
    for (const [i, step] of steps.entries()) {
      await take(host, model, step, i)
      await compare(host, model, `step ${i}, ${step.type}`)
    }
    await host.crash()
    await compare(host, model, 'the last crash')
    assert.deepEqual(host.errors, [])
    await host.stop()
  })
  await fc.assert(property, { numRuns: 60 })
})
