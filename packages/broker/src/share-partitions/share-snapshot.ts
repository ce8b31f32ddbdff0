/** The progress of a group with a partition as it is stored: Kafka's ShareSnapshotValue without its bookkeeping. */
export interface ShareSnapshot {
  /** -1: not yet decided. */
  readonly startOffset: number
  /** How many offsets from the start on are done. */
  readonly deliveryCompleteCount: number
  /** Ascending; what lies between them was never given out. */
  readonly batches: readonly StateBatch[]
}

export interface StateBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly deliveryState: number
  readonly deliveryCount: number
}
