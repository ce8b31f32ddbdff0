/** A figure, ours and theirs. */
export interface Row {
  readonly name: string
  readonly unit: string
  /** Absent when we could not be measured; the reason stands in `missing`. */
  readonly ours?: number
  readonly rivals: Readonly<Record<string, number>>
  /** Default false: a rate. True: a time or a size. */
  readonly lessIsBetter?: boolean
  /** Why a figure that the table should have is not there. */
  readonly missing?: string
}

/** A family of rows: measured together, `npm run bench -- NAME` runs it alone. */
export type Family = (place: Place) => Promise<Row[]>

/** Where a run takes place. Brokers are started when first asked for and stopped at the end of the run. */
export interface Place {
  odradek(): Promise<RunningBroker>
  /** Null where Java or Maven are missing, or when the run leaves it out. */
  apache(): Promise<RunningBroker | null>
  /** Whether what runs on Java is to be measured, too. */
  readonly withApache: boolean
  /** Tells the reader at the terminal what is going on. */
  say(what: string): void
}

export interface RunningBroker {
  readonly name: string
  readonly bootstrap: string
  readonly pid: number
  /** From spawning the process to its first sign of being ready. */
  readonly startMs: number
  stop(): Promise<void>
}
