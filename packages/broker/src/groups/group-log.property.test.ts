import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GroupHost, offset } from './testing/group-host.ts'

const write = fc.record({ group: fc.constantFrom('a', 'b', 'c'), partition: fc.nat(2), wait: fc.boolean() })

test('committed offsets never go back, whenever the power fails', async () => {
  const property = fc.asyncProperty(
    fc.nat(1_000_000),
    fc.array(fc.array(write, { maxLength: 12 }), { maxLength: 4 }),
    async (seed, lives) => {
      const host = await GroupHost.start({ seed, partitions: 2, segmentBytes: 600 })
      const acknowledged = new Map<string, number>()
      let next = 0
      for (const life of lives) {
        const pending: Promise<unknown>[] = []
        for (const { group, partition, wait } of life) {
          const value = next++
          const key = `${group} ${partition}`
          const written = host.store.putOffsets(group, [{ topic: 't', partition, committed: offset(value) }])
          const noted = written.then(
            error => error === 0 && acknowledged.set(key, Math.max(value, acknowledged.get(key) ?? -1)),
          )
          pending.push(noted)
          if (wait) await host.finish(noted)
          else await host.world.clock.advance(seed % 3)
        }
        // Long enough for the cleaner to begin, and now and then too short for it to end.
        if (seed % 2 === 0) await host.world.clock.advance(15_000 + (seed % 40))
        await host.crash()
        for (const [key, value] of acknowledged) {
          const [group, partition] = key.split(' ') as [string, string]
          const found = host.store.getOffsets(group).get('t')?.get(Number(partition))?.offset ?? -1
          assert(found >= value, `${key} was acknowledged at ${value} and is ${found} after the crash`)
          acknowledged.set(key, found)
        }
      }
    },
  )
  await fc.assert(property, { numRuns: 80 })
})
