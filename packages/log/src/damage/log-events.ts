/**
 * What happens to logs, told to whoever subscribes to these channels of node:diagnostics_channel, and logged once.
 *
 *     odradek:log:damage    { topic, partition, range }      a damaged range was found and put in quarantine
 *     odradek:log:scrubbed  ScrubPass                        the scrub has gone through everything
 */
import { channel } from 'node:diagnostics_channel'
import type { PartitionOwner } from '../folder/partition-folder.ts'
import type { LogLogger } from '../log-services.ts'
import type { DamagedRange } from './damage.ts'
import type { ScrubPass } from './scrub-file.ts'

const damage = channel('odradek:log:damage')

const scrubbed = channel('odradek:log:scrubbed')

/** `known`: damaged ranges there are now, with those that it found. */
export function tellScrubbed(logger: LogLogger, { damaged: newlyDamaged, ...pass }: ScrubPass, known: number): void {
  logger.info({ ...pass, damagedNew: newlyDamaged, damagedKnown: known }, 'scrubbed all logs')
  if (scrubbed.hasSubscribers) scrubbed.publish({ ...pass, damaged: newlyDamaged })
}

export function tellDamage(logger: LogLogger, { topic, index: partition }: PartitionOwner, range: DamagedRange): void {
  const { segment, fromPosition, toPosition, fromOffset, toOffset, reason } = range
  const fields = { topic, partition, segment, fromPosition, toPosition, fromOffset, toOffset, reason }
  const what =
    toOffset > fromOffset
      ? `in ${topic}-${partition} ${recordsOf(range)} damaged and not served; everything else is. Restore from a backup, or let consumers seek to ${toOffset}.`
      : `rubbish between two batches of ${topic}-${partition} is passed over; no record is lost`
  logger.error(fields, what)
  if (damage.hasSubscribers) damage.publish({ topic, partition, range })
}

export function tellDoubt(logger: LogLogger, file: string, batches: number): void {
  const message = 'batches name another leader epoch than the one that wrote there; their records are whole and served'
  logger.error({ file, batches }, message)
}

const recordsOf = ({ fromOffset, toOffset }: DamagedRange): string =>
  toOffset - fromOffset === 1 ? `record ${fromOffset} is` : `records ${fromOffset} … ${toOffset - 1} are`
