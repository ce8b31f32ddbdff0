import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { Deletions } from './deletions.ts'

/** Files a to d, and what removes them. */
async function withFiles() {
  const { clock, disk } = simulatedWorld({ seed: 3 })
  for (const name of ['a', 'b', 'c', 'd']) await (await disk.open(`/${name}`, 'fresh')).close()
  const left = async () => (await disk.list('/')).join('')
  return { clock, disk, left, deletions: new Deletions(clock, disk) }
}

test('each is removed when its time has come, in whatever order they were put aside', async () => {
  const { clock, left, deletions } = await withFiles()
  deletions.later('/a', 300)
  deletions.later('/b', 100)
  deletions.later('/c', 200)
  const seen: string[] = []
  for (let i = 0; i < 4; i++) {
    seen.push(await left())
    await clock.advance(100)
  }
  assert.deepEqual(seen, ['abcd', 'acd', 'ad', 'd'])
})

test('what cannot be removed, or is gone already, keeps nothing else', async () => {
  const { clock, disk, left, deletions } = await withFiles()
  disk.fail({ on: 'remove', code: 'EIO', path: '/a' })
  for (const name of ['a', 'missing', 'b']) deletions.later(`/${name}`, 100)
  deletions.later('/c', 200)
  await clock.advance(100)
  assert.equal(await left(), 'acd')
  await clock.advance(100)
  assert.equal(await left(), 'ad')
})

test('closing removes what waits, due or not, and no timer is left', async () => {
  const { clock, left, deletions } = await withFiles()
  deletions.later('/a', 60_000)
  deletions.later('/b', 0)
  await clock.finish(deletions.close())
  assert.equal(await left(), 'cd')
  deletions.later('/c', 10)
  await clock.advance(1000)
  assert.equal(await left(), 'cd', 'what is put aside after that waits for the next start')
})
