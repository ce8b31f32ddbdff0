import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FileSyncs } from './file-syncs.ts'
import { SyncFailure } from './sync-failure.ts'

/** Each sync ends when the test says so. */
function slowFile() {
  const syncs: PromiseWithResolvers<void>[] = []
  const sync = () => {
    const each = Promise.withResolvers<void>()
    syncs.push(each)
    return each.promise
  }
  return { syncs, sync }
}

test('a failure answers whoever asked later, too, though the system would tell it only once', async () => {
  const file = slowFile()
  const syncs = new FileSyncs()
  const asked = [syncs.sync(file), syncs.sync(file)]
  await turn()
  assert.equal(file.syncs.length, 1)
  file.syncs[0]!.reject(new Error('EIO'))
  for (const each of asked) await assert.rejects(each, SyncFailure)
  await assert.rejects(syncs.sync(file), SyncFailure)
  assert.equal(file.syncs.length, 1)
})

test('where there was no descriptor nothing has failed', async () => {
  const file = slowFile()
  const syncs = new FileSyncs()
  const asked = [syncs.sync(file), syncs.sync(file)]
  await turn()
  file.syncs[0]!.reject(Object.assign(new Error('none left'), { code: 'EMFILE' }))
  await assert.rejects(asked[0]!, { code: 'EMFILE' })
  await turn()
  file.syncs[1]!.resolve()
  await asked[1]
})
