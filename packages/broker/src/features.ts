/** What this broker can do beyond the versions of its APIs, as ApiVersions tells clients, who change their behaviour by it (KIP-584). */
export interface Feature {
  readonly name: string
  readonly min: number
  readonly max: number
  /** The level in use. */
  readonly finalized: number
}

export const features: readonly Feature[] = [
  // Consumer groups of the new protocol (KIP-848).
  { name: 'group.version', min: 0, max: 1, finalized: 1 },
  // Clients let their epoch rise at every end of a transaction, and partitions join by being written to (KIP-890).
  { name: 'transaction.version', min: 0, max: 2, finalized: 2 },
  // Share groups (KIP-932).
  { name: 'share.version', min: 0, max: 1, finalized: 1 },
  // Streams groups (KIP-1071).
  { name: 'streams.version', min: 0, max: 1, finalized: 1 },
]
