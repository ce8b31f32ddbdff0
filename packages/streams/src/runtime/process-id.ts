import type { Random } from '@odradek/world'

/** A UUID for an instance: its producer is named after it, and copies of state are told apart by it. */
export function freshProcessId(random: Random): string {
  return Buffer.from(random.bytes(16))
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
