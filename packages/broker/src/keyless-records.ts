import { type BatchHeader, RecordWalk } from '@odradek/protocol'

const walk = new RecordWalk()

/** Indexes of a batch's records that have no key. Throws DecodeError when its records do not fit its bytes, or unfold to too many. */
export function keylessRecords(bytes: Uint8Array, header: BatchHeader, maxBytes: number): number[] {
  const keyless: number[] = []
  let index = 0
  walk.begin(bytes, header, maxBytes)
  while (walk.next()) {
    if (walk.keyLength < 0) keyless.push(index)
    index++
  }
  return keyless
}
