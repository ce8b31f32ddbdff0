/**
 * `npm run chaos -- [R1 R5 …] [--quick] [--seed S] [--soak-minutes N] [--json FILE]`
 *
 * Runs the items one after the other, prints their figures beside the figures they must reach, and ends with 1 when one does not.
 */
import { writeFileSync } from 'node:fs'
import { commandOrUsage } from '../simulation/command-line.ts'
import { chaosCommand, usage } from './chaos-command.ts'
import { runItem } from './item-process.ts'
import { items } from './items/index.ts'
import { type Row, table } from './report.ts'

const { ids, options, json } = commandOrUsage(usage, () => chaosCommand(process.argv.slice(2)))
const { isQuick, seed, soakMinutes } = options
const limitMs = (isQuick ? 5 : 60) * 60_000 + soakMinutes * 60_000
const rows: Row[] = []
for (const item of items.filter(({ id }) => ids.includes(id))) {
  process.stderr.write(`${item.id}: ${item.what}\n`)
  const from = performance.now()
  const its = await runItem(item, options, limitMs)
  rows.push(...its)
  const failed = its.filter(({ verdict }) => verdict === 'FAIL').length
  process.stderr.write(
    `    ${failed === 0 ? 'done' : `${failed} FAILED`} in ${Math.round((performance.now() - from) / 1000)} s\n`,
  )
}
process.stdout.write(`\n${table(rows)}\n`)
const failed = [...new Set(rows.filter(({ verdict }) => verdict === 'FAIL').map(({ id }) => id))]
if (failed.length > 0)
  process.stdout.write(
    `\nFAILED. Again: npm run chaos -- ${failed.join(' ')} --seed ${seed}${isQuick ? ' --quick' : ''}\n`,
  )
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...options, rows }, null, 2)}\n`)
process.exit(failed.length > 0 ? 1 : 0)
