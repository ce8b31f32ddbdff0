/**
 * `npm run chaos -- [R1 R5 …] [--quick] [--seed S] [--soak-minutes N] [--json FILE]`
 *
 * Runs the items one after the other, prints their figures beside the figures they must reach, and ends with 1 when one does not.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { ChaosOptions } from './chaos.ts'
import { runItem } from './item-process.ts'
import { items } from './items/index.ts'
import { type Row, table } from './report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'soak-minutes': { type: 'string' },
    json: { type: 'string' },
  },
})
const wanted = positionals.map(id => id.toUpperCase())
const unknown = wanted.filter(id => !items.some(item => item.id === id))
if (unknown.length > 0) {
  process.stderr.write(`There is no ${unknown.join(', ')}; there are ${items.map(({ id }) => id).join(', ')}.\n`)
  process.exit(2)
}

const soakMinutes = Number(values['soak-minutes'] ?? (values.quick ? 0 : 60))
const options: ChaosOptions = { seed: Number(values.seed), isQuick: values.quick, soakMinutes }
const limitMs = (values.quick ? 5 : 60) * 60_000 + soakMinutes * 60_000
const rows: Row[] = []
for (const item of items.filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
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
    `\nFAILED. Again: npm run chaos -- ${failed.join(' ')} --seed ${values.seed}${values.quick ? ' --quick' : ''}\n`,
  )
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...options, rows }, null, 2)}\n`)
process.exit(failed.length > 0 ? 1 : 0)
