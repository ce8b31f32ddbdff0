/** Checks of damage: what is refused was hit, and nothing that does not match its checksum is handed out. */
import type { Anomaly } from './anomaly.ts'
import type { Recorded } from './recorded.ts'

export function damage(history: Recorded): Anomaly[] {
  return history.events.flatMap((event, at): Anomaly[] => {
    if (event.kind !== 'refused' && event.kind !== 'rot-served') return []
    const { kind, partition, offset } = event
    const events = history.show(at)
    if (kind === 'rot-served') {
      const what = `what was handed out of ${partition}@${offset} does not match its checksum`
      return [{ name: 'rot-served', what, events }]
    }
    if (history.isHit(partition, offset)) return []
    return [{ name: 'refused-unharmed', what: `${partition}@${offset} was refused as damaged, and is not`, events }]
  })
}
