/**
 * Random histories of one file and of one folder, a crash at the end, and what must be true of what is left.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { simulatedWorld } from './world.ts'

type Step =
  | { do: 'append'; length: number }
  | { do: 'overwrite'; at: number; length: number }
  | { do: 'truncate'; to: number }
  | { do: 'sync' }
  | { do: 'failSync' }

const length = fc.integer({ min: 1, max: 2_000 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('append' as const), length }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('overwrite' as const), at: fc.nat(3_000), length }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const), to: fc.nat(4_000) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'sync' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'failSync' as const }) },
)
const seed = fc.integer({ min: 0, max: 2 ** 31 })

async function newFile(seed: number) {
  const { disk } = simulatedWorld({ seed })
  const file = await disk.open('/a', 'create')
  await disk.syncFolder('/')
  return { disk, file }
}

test('what was synced before anything else was written survives every crash, byte by byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      seed,
      fc.array(length, { maxLength: 10 }),
      fc.array(length, { maxLength: 10 }),
      async (seed, before, after) => {
        const { disk, file } = await newFile(seed)
        for (const count of before) file.write(file.size, [Buffer.alloc(count, 1)])
        await file.sync()
        const synced = file.size
        for (const count of after) file.write(file.size, [Buffer.alloc(count, 2)])
        const written = file.size
        disk.crash()
        const left = await disk.readFile('/a')
        assert.ok(left.length >= synced && left.length <= written)
        assert.ok(left.subarray(0, synced).every(byte => byte === 1))
        assert.ok(left.subarray(synced).every(byte => byte === 2 || byte === 0))
      },
    ),
    { numRuns: 200 },
  )
})

test('each byte after a crash is one that was written there since the last sync, or the synced one, or zero beyond the old end', async () => {
  await fc.assert(
    fc.asyncProperty(seed, fc.array(step, { maxLength: 25 }), async (seed, steps) => {
      const { disk, file } = await newFile(seed)
      let value = 0
      let allowed: Set<number>[] = []
      for (const step of steps) {
        if (step.do === 'append' || step.do === 'overwrite') {
          const at = step.do === 'append' ? file.size : step.at
          value = 1 + (value % 250)
          // A hole reads as zeroes.
          for (let i = file.size; i < at; i++) (allowed[i] ??= new Set()).add(0)
          for (let i = at; i < at + step.length; i++) (allowed[i] ??= new Set([0])).add(value)
          file.write(at, [Buffer.alloc(step.length, value)])
        } else if (step.do === 'truncate') {
          for (let i = file.size; i < step.to; i++) (allowed[i] ??= new Set()).add(0)
          for (let i = step.to; i < allowed.length; i++) allowed[i]!.add(0)
          file.truncate(step.to)
        } else if (step.do === 'failSync') {
          disk.fail({ on: 'sync', code: 'EIO' })
          await assert.rejects(file.sync())
        } else {
          await file.sync()
          const clean = !steps.some(other => other.do === 'failSync')
          if (clean) allowed = [...(await file.read(0, 1e6))].map(byte => new Set([byte]))
        }
      }
      disk.crash()
      const left = await disk.readFile('/a')
      left.forEach((byte, i) => {
        assert.ok(allowed[i]?.has(byte), `byte ${i} is ${byte}, may be ${[...(allowed[i] ?? [])]}`)
      })
    }),
    { numRuns: 150 },
  )
})

test('sooner or later a crash loses, keeps, and tears what was not synced', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const { disk, file } = await newFile(seed)
    file.write(0, [Buffer.alloc(4_096, 7)])
    disk.crash()
    const left = await disk.readFile('/a')
    const sevens = left.reduce((sum, byte) => sum + (byte === 7 ? 1 : 0), 0)
    assert.equal(sevens % 512, 0, 'sectors are written whole')
    seen.add(
      left.length === 0
        ? 'lost'
        : sevens === 4_096
          ? 'kept'
          : sevens === 0
            ? 'zeroes'
            : left.length < 4_096
              ? 'cut'
              : 'holes',
    )
  }
  assert.deepEqual([...seen].sort(), ['cut', 'holes', 'kept', 'lost', 'zeroes'])
})

const names = fc.constantFrom('a', 'b', 'c', 'd')
const nameStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), name: names }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), name: names, to: names }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name: names }) },
  { weight: 1, arbitrary: fc.constant({ do: 'syncFolder' as const }) },
)

test('the names after a crash are those of some moment since the folder was synced last', async () => {
  await fc.assert(
    fc.asyncProperty(seed, fc.array(nameStep, { maxLength: 20 }), async (seed, steps) => {
      const { disk } = simulatedWorld({ seed })
      await disk.makeFolder('/data')
      await disk.syncFolder('/')
      const listing = async () => (await disk.list('/data')).join()
      let moments = [await listing()]
      for (const step of steps) {
        if (step.do === 'create') await disk.open(`/data/${step.name}`, 'create')
        else if (step.do === 'remove') await disk.remove(`/data/${step.name}`)
        else if (step.do === 'syncFolder') {
          await disk.syncFolder('/data')
          moments = []
        } else if (step.name !== step.to && (await disk.exists(`/data/${step.name}`)))
          await disk.rename(`/data/${step.name}`, `/data/${step.to}`)
        moments.push(await listing())
      }
      disk.crash()
      const left = await listing()
      assert.ok(moments.includes(left), `left ${left}, moments ${moments.join(' | ')}`)
    }),
    { numRuns: 200 },
  )
})

test('a file moved to another folder is in one of them after a crash, whichever was synced', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const { disk } = simulatedWorld({ seed })
    await disk.makeFolder('/from')
    await disk.makeFolder('/to')
    await disk.open('/from/a', 'create')
    await disk.syncFolder('/from')
    await disk.syncFolder('/')
    await disk.rename('/from/a', '/to/a')
    if (seed % 2 === 0) await disk.syncFolder('/from')
    disk.crash()
    assert.ok((await disk.exists('/from/a')) || (await disk.exists('/to/a')))
  }
})
