import type { RecordRules } from './share-partition-machine.ts'

/** What a group's settings say, each the group's own value or the broker's. Read anew for every step, since they change. */
export interface ShareSettings {
  /** share.record.lock.duration.ms, share.delivery.count.limit, share.partition.max.record.locks */
  readonly rules: RecordRules
  /** share.isolation.level */
  readonly isolation: 'uncommitted' | 'stable'
  /** share.auto.offset.reset: where a group begins with a partition that is new to it; a number: so many milliseconds back. */
  readonly offsetReset: 'latest' | 'earliest' | number
  /** share.renew.acknowledge.enable */
  readonly isRenewEnabled: boolean
}

/** `latest`, `earliest`, or `by_duration:` and an ISO 8601 duration (PnDTnHnMn.nS) that is not negative; undefined for anything else. */
export function parsedOffsetReset(text: string): ShareSettings['offsetReset'] | undefined {
  if (text === 'latest' || text === 'earliest') return text
  if (!text.startsWith('by_duration:')) return undefined
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(
    text.slice('by_duration:'.length),
  )
  if (!parts || parts.slice(1).every(part => part === undefined)) return undefined
  const [days, hours, minutes, seconds] = parts.slice(1).map(part => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ]
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
}
