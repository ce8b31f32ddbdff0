/** The data folders of earlier releases: started on twice, and read whole. */
import { checkGolden, goldens } from '../../durability/formats/golden-check.ts'
import { atLeast, item } from '../item.ts'

export const formatGoldens = item({
  id: 'R21',
  what: 'data folders of every earlier release',
  bars: { read: atLeast(100, 'folders started on and read whole', '%') },
  async run(chaos) {
    const all = goldens()
    let whole = 0
    for (const golden of all) {
      try {
        await checkGolden(golden)
        whole++
      } catch (error) {
        chaos.say(`${golden.release}, ${golden.name}: ${error}`)
      }
    }
    return { read: { value: (100 * whole) / all.length, detail: `${all.length} folders` } }
  },
})
