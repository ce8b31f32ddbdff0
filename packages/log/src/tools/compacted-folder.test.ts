/** Folders that compaction, transactions and power cuts have left: nothing in them is taken for damage, and they can be backed up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactionHistory } from '../testing/compaction-history.ts'
import { contentOf, dataFolder } from '../testing/data-folders.ts'
import { backUpFolder } from './backup.ts'
import { severityOf } from './finding.ts'
import { restoreFolder } from './restore.ts'
import { verifyFolder } from './verify.ts'

for (const seed of [1, 2, 3, 4]) {
  test(`a compacted folder verifies, and what is restored of it does (seed ${seed})`, async () => {
    const history = new CompactionHistory(seed)
    await history.run()
    const { clock } = history.world
    const { disk } = history.world.machine('m')
    const settle = <T>(work: Promise<T>): Promise<T> => clock.finish(work)
    const damage = async (folder: string) => {
      const topics = () => ({ name: 'orders', compacted: true })
      const { findings } = await settle(verifyFolder({ disk, folder, topics, deep: true, live: folder === dataFolder }))
      return findings.filter(finding => severityOf(finding) === 'damage')
    }
    assert.ok(history.passes > 0)
    assert.deepEqual(await damage(dataFolder), [])
    await settle(backUpFolder({ disk, clock, folder: dataFolder, backup: '/backup', live: true }))
    await settle(restoreFolder({ disk, clock, backup: '/backup', folder: '/restored' }))
    assert.deepEqual(await damage('/restored'), [])
    const segments = async (folder: string) =>
      [...(await settle(contentOf(disk, folder)))]
        .filter(([path]) => path.endsWith('.log'))
        .map(([path, bytes]) => [path.slice(folder.length), bytes])
        .slice(0, -1)
    assert.deepEqual(await segments('/restored'), await segments(dataFolder))
  })
}
