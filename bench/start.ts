/** From nothing to ready, on an empty data folder: as a process from the shell, and as a call in a process that has loaded the code. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { median } from './interleave.ts'
import { odradekBroker } from './peers/odradek.ts'
import type { Family } from './row.ts'

const run = promisify(execFile)
const repetitions = 5

/** A process of its own each time: the first start is what a user waits for. */
const inProcess = `
  import { mkdtemp, rm } from 'node:fs/promises'
  import { tmpdir } from 'node:os'
  import { join } from 'node:path'
  import { Broker } from '@odradek/broker'
  import { realWorld } from '@odradek/world'
  const folder = await mkdtemp(join(tmpdir(), 'odradek-bench-'))
  const began = performance.now()
  const broker = await Broker.start({ world: realWorld(), listen: { host: '127.0.0.1', port: 0 }, data: { folder } })
  console.log('started in', performance.now() - began)
  await broker.close({ drain: false })
  await rm(folder, { recursive: true, force: true })
`

export const startFamily: Family = async place => {
  place.say('start')
  const fromShell: number[] = []
  const inOne: number[] = []
  for (let i = 0; i < repetitions; i++) {
    const broker = await odradekBroker()
    fromShell.push(broker.startMs)
    await broker.stop()
    const cwd = new URL('../packages/cli/', import.meta.url)
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', inProcess], { cwd })
    inOne.push(Number(/started in ([\d.]+)/.exec(stdout)![1]))
  }
  const apache = await place.apache()
  return [
    {
      name: 'start from the shell to ready',
      unit: 'ms',
      lessIsBetter: true,
      ours: median(fromShell),
      rivals: apache ? { [apache.name]: apache.startMs } : {},
    },
    { name: 'start in process', unit: 'ms', lessIsBetter: true, ours: median(inOne), rivals: {} },
  ]
}
