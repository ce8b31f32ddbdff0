/** 10,000 partitions, 1,000 idle groups, 5,000 idle long polls: how soon a broker with them is ready, and what it takes. */
import { scaleFamily } from '../../../bench/scale.ts'
import { atMost, item } from '../item.ts'

export const manyIdle = item({
  id: 'R17',
  what: '10,000 partitions, 1,000 groups, 5,000 long polls',
  bars: {
    start: atMost(5, 'slowest start, after an orderly end and after kill -9', 's'),
    processor: atMost(5, 'processor while nothing happens', '% of a core'),
    memory: atMost(512, 'memory', 'MB'),
  },
  async run(chaos) {
    if (chaos.options.isQuick) return { skipped: 'takes four minutes' }
    const rows = await scaleFamily({ say: line => chaos.say(line) } as Parameters<typeof scaleFamily>[0])
    for (const { name, ours, unit } of rows) chaos.say(`${name}: ${ours?.toFixed(1)} ${unit}`)
    const most = (of: RegExp) =>
      Math.max(...rows.filter(({ name }) => of.test(name)).map(({ ours }) => ours ?? Number.NaN))
    return { start: most(/start/) / 1000, processor: most(/processor, 5,000/), memory: most(/memory/) }
  },
})
