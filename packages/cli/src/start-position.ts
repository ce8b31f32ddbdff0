import type { ResetTarget } from '@odradek/client'
import { UsageError } from '@odradek/protocol'

/** Where consuming begins. */
export type From = { at: 'start' } | { at: 'end' } | { offset: number } | { last: number } | { timestamp: number }

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** start · end · 42 (an offset) · -10 (the last ten of each partition) · @-1h · @2026-01-31T12:00 · @1700000000000 */
export function parseFrom(text: string, now: number): From {
  if (text === 'start' || text === 'beginning' || text === 'earliest') return { at: 'start' }
  if (text === 'end' || text === 'latest') return { at: 'end' }
  if (/^\d+$/.test(text)) return { offset: Number(text) }
  if (/^-\d+$/.test(text)) return { last: -Number(text) }
  if (text.startsWith('@')) return { timestamp: parseTime(text.slice(1), now) }
  throw new UsageError(
    `'${text}' is no place to begin. Write start, end, an offset, -10 for the last ten, or @-1h, @2026-01-31T12:00.`,
  )
}

/** Milliseconds since 1970, from a duration ago, a date or such a number. */
export function parseTime(text: string, now: number): number {
  const ago = /^-(\d+)(ms|s|m|h|d)$/.exec(text)
  if (ago) return now - Number(ago[1]) * units[ago[2] as keyof typeof units]
  if (text === 'now') return now
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(time))
    throw new UsageError(
      `'@${text}' is no time. Write @-90s, @-1h, @-2d, @2026-01-31T12:00 or milliseconds since 1970.`,
    )
  return time
}

/** 90s · 5m · 1h */
export function durationMs(text: string): number {
  const given = /^(\d+)(ms|s|m|h|d)$/.exec(text)
  if (!given) throw new UsageError(`'${text}' is no duration. Write 500ms, 90s, 5m, 1h or 2d.`)
  return Number(given[1]) * units[given[2] as keyof typeof units]
}

/** start · end · 42 · +10 or -10 from where the group is · @TIME */
export function resetTarget(text: string, now: number): ResetTarget {
  if (text === 'start' || text === 'earliest') return 'earliest'
  if (text === 'end' || text === 'latest') return 'latest'
  if (/^\d+$/.test(text)) return { offset: Number(text) }
  if (/^[+-]\d+$/.test(text)) return { shift: Number(text) }
  if (text.startsWith('@')) return { timestamp: parseTime(text.slice(1), now) }
  throw new UsageError(`'${text}' is no place to reset to. Write start, end, an offset, +10, -10, @-1h or @2026-01-31.`)
}
