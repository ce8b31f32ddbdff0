/** What an operator should know of stored records: what is damaged, what is offline, and how the search for damage goes. */
import type { LogHealth } from '@odradek/log'
import type { Clock, Timer } from '@odradek/world'
import type { Logger } from './logger.ts'

export interface BrokerHealth {
  /** Partitions with records that are not served: those from `fromOffset` up to, and without, `toOffset`. The others of them are. */
  readonly damaged: readonly {
    readonly topic: string
    readonly partition: number
    readonly ranges: readonly { readonly fromOffset: number; readonly toOffset: number; readonly reason: string }[]
  }[]
  /** Partitions that take and serve nothing until a restart: their storage failed. */
  readonly offline: readonly { readonly topic: string; readonly partition: number }[]
  /** How the last whole pass through all records went, and the one under way. Wall times. */
  readonly scrub: LogHealth['scrub']
}

export function brokerHealth({ damaged, offline, scrub }: LogHealth): BrokerHealth {
  const without = damaged.map(({ topic, partition, ranges }) => ({
    ...{ topic, partition },
    ranges: ranges.map(({ fromOffset, toOffset, reason }) => ({ fromOffset, toOffset, reason })),
  }))
  return { damaged: without, offline, scrub }
}

/** One sentence; undefined when all is well. */
export function troubleIn({ damaged, offline }: BrokerHealth, dataName: string): string | undefined {
  if (damaged.length + offline.length === 0) return undefined
  const ranges = damaged.reduce((sum, partition) => sum + partition.ranges.length, 0)
  const found = `${count(ranges, 'damaged range')} in ${count(damaged.length, 'partition')}`
  return `${found}, ${count(offline.length, 'partition')} offline; \`odradek log verify ${dataName}\` says more`
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

const everyMs = 60 * 60 * 1000

/** Says so in the log, at the start and every hour, for as long as anything is damaged or offline. */
export class HealthWatch {
  readonly health: () => BrokerHealth
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #dataName: string
  #timer: Timer | undefined

  constructor(
    { clock, logger, dataName }: { clock: Clock; logger: Logger; dataName: string },
    health: () => BrokerHealth,
  ) {
    this.health = health
    this.#clock = clock
    this.#logger = logger
    this.#dataName = dataName
    this.#look()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const health = this.health()
    const trouble = troubleIn(health, this.#dataName)
    const names = (of: readonly { topic: string; partition: number }[]) =>
      of.map(({ topic, partition }) => `${topic}-${partition}`).join(',')
    if (trouble !== undefined)
      this.#logger.error({ damaged: names(health.damaged), offline: names(health.offline) }, trouble)
    this.#timer = this.#clock.timer(everyMs, () => this.#look())
  }
}
