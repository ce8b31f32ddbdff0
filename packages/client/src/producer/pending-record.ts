/** A record in bytes that has not got a place in a batch yet. */
import type { HeaderInput } from '@odradek/protocol'
import type { Generation } from './generation.ts'
import type { Receipt } from './receipt.ts'

export interface PendingRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly HeaderInput[] | undefined
  readonly partition: number | undefined
  readonly timestamp: number
  readonly receipt: Receipt | undefined
  readonly generation: Generation
}
