/** A member's name, made by the member itself so that a lost answer to its first heartbeat leaves no stranger in the group. */
import type { Random } from '@odradek/world'

export function freshMemberId(random: Random): string {
  return Buffer.from(random.bytes(16))
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
