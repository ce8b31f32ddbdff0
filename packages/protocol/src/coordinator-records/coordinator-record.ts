import { DecodeError } from '../errors.ts'
import { decodeVersioned, encodeVersioned, type Message, type Versioned } from '../message.ts'
import type { Encodable, Fields } from '../schema.ts'

/**
 * Coordinators keep their state as records of `__consumer_offsets` and `__transaction_state`, in Kafka's own schemas.
 *
 *     key    type int16 │ fields        value    version int16 │ fields
 *
 * What stands where a value has its version is, in a key, the type of the record. The tables of keys therefore have the type as
 * their only version, and both sides are encoded alike: `encodeCoordinatorRecord(GroupMetadataKey, 2, { group })`. A record
 * without a value (a tombstone) deletes what its key names.
 */
export function encodeCoordinatorRecord<F extends Fields>(
  table: Message<F>,
  version: number,
  value: Encodable<F>,
): Uint8Array {
  return encodeVersioned(table, version, value)
}

export function decodeCoordinatorRecord<F extends Fields>(table: Message<F>, bytes: Uint8Array): Versioned<F> {
  return decodeVersioned(table, bytes)
}

/** The type of a record, from its key; it says which table reads the rest. Unknown types are to be skipped, not refused. */
export function coordinatorRecordType(key: Uint8Array): number {
  if (key.length < 2) throw new DecodeError('a key needs two bytes', { message: 'CoordinatorRecord', position: 0 })
  return (((key[0]! << 8) | key[1]!) << 16) >> 16
}
