import { diskContract } from '../contract/disk.suite.ts'
import { memoryDisk } from './disk.ts'

diskContract('memory', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/data')
  return { disk, folder: '/data' }
})
