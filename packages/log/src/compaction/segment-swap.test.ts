import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { segmentName, sidecarName } from '../folder/file-names.ts'
import { swapName } from './compaction-files.ts'
import { completeSwap } from './segment-swap.ts'

const replaced = { baseOffset: 0, nextOffset: 12 }

async function folderWith(names: readonly string[]) {
  const { disk } = simulatedWorld({ seed: 3 })
  await disk.makeFolder('/orders-0')
  for (const name of names) {
    const file = await disk.open(`/orders-0/${name}`, 'fresh')
    file.write(0, [Buffer.from(name)])
  }
  await disk.syncFolder('/')
  return disk
}

test('a swap takes all that described the segments it replaces, also what never got its name, and nothing else', async () => {
  const old = [segmentName(0), sidecarName(0), segmentName(7), `${sidecarName(7)}.new`]
  const others = [segmentName(12), `${sidecarName(12)}.new`]
  const disk = await folderWith([...old, `${sidecarName(0)}.new`, swapName(replaced), ...others])
  await completeSwap(disk, '/orders-0', replaced, await disk.list('/orders-0'))
  assert.deepEqual(await disk.list('/orders-0'), [segmentName(0), ...others].sort())
  assert.equal(Buffer.from(await disk.readFile(`/orders-0/${segmentName(0)}`)).toString(), swapName(replaced))
})

test('what describes the new segment is not the old description after any crash', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { disk } = simulatedWorld({ seed })
    await disk.makeFolder('/orders-0')
    await disk.syncFolder('/')
    const describe = async (what: string) => {
      const file = await disk.open(`/orders-0/${sidecarName(0)}.new`, 'fresh')
      file.write(0, [Buffer.from(what)])
    }
    await describe('old')
    await disk.open(`/orders-0/${swapName(replaced)}`, 'create')
    await completeSwap(disk, '/orders-0', replaced, await disk.list('/orders-0'))
    await describe('new')
    await disk.rename(`/orders-0/${sidecarName(0)}.new`, `/orders-0/${sidecarName(0)}`)
    disk.crash()
    if (!(await disk.exists(`/orders-0/${sidecarName(0)}`))) continue
    assert.notEqual(Buffer.from(await disk.readFile(`/orders-0/${sidecarName(0)}`)).toString(), 'old', `seed ${seed}`)
  }
})
