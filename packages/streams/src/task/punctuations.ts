/**
 * Punctuations of a task, by stream time and by wall clock. Each has a next time; when time has passed it, it runs once, however many
 * intervals were missed, and its next time is the first multiple after that (streams facts 2.37).
 */
import { UsageError } from '@odradek/client'
import { millisecondsOf } from '../duration.ts'
import { mustBeOneOf } from '../known-names.ts'
import type { Cancellable, Punctuation } from '../processor.ts'
import type { Done } from '../record.ts'

interface Scheduled {
  readonly everyMs: number
  next: number
  isCancelled: boolean
  punctuate(timestamp: number): Done
}

export class Punctuations {
  #byStreamTime: Scheduled[] = []
  #byWallClock: Scheduled[] = []

  /** `now` is the wall clock's. */
  schedule(punctuation: Punctuation, now: number, punctuate: (timestamp: number) => Done): Cancellable {
    const everyMs = millisecondsOf(punctuation.every, 'every')
    if (everyMs === 0) throw new UsageError('`every` is 0: a punctuation needs an interval of at least a millisecond')
    mustBeOneOf('`by` of a punctuation', punctuation.by, ['stream-time', 'wall-clock'])
    const isStreamTime = punctuation.by === 'stream-time'
    const scheduled = { everyMs, next: firstTime(punctuation, everyMs, now), isCancelled: false, punctuate }
    if (isStreamTime) this.#byStreamTime.push(scheduled)
    else this.#byWallClock.push(scheduled)
    return {
      cancel: () => {
        scheduled.isCancelled = true
      },
    }
  }

  /** Runs what is due by stream time; -1, when that is not known yet, makes nothing due. Answers whether anything ran. */
  streamTime(now: number): boolean | Promise<boolean> {
    this.#byStreamTime = this.#byStreamTime.filter(({ isCancelled }) => !isCancelled)
    return now < 0 || this.#byStreamTime.length === 0 ? false : runDue(this.#byStreamTime, now)
  }

  wallClock(now: number): boolean | Promise<boolean> {
    this.#byWallClock = this.#byWallClock.filter(({ isCancelled }) => !isCancelled)
    return this.#byWallClock.length === 0 ? false : runDue(this.#byWallClock, now)
  }

  /** Whether `streamTime` would run something: asked for every record, so it makes nothing. */
  isDueByStreamTime(now: number): boolean {
    if (now < 0) return false
    for (const { isCancelled, next } of this.#byStreamTime) if (!isCancelled && next <= now) return true
    return false
  }

  /** When something is due by wall clock; Infinity where nothing is scheduled. */
  get nextWallClock(): number {
    return this.#byWallClock.reduce((next, scheduled) => Math.min(next, scheduled.next), Number.POSITIVE_INFINITY)
  }
}

function firstTime({ by, startAt }: Punctuation, everyMs: number, now: number): number {
  if (by === 'stream-time') return startAt ?? 0
  if (startAt === undefined) return now + everyMs
  return startAt >= now ? startAt : startAt + Math.ceil((now - startAt) / everyMs) * everyMs
}

function runDue(all: readonly Scheduled[], now: number): boolean | Promise<boolean> {
  let hasRun = false
  for (const [i, scheduled] of all.entries()) {
    if (scheduled.isCancelled || scheduled.next > now) continue
    hasRun = true
    scheduled.next = nextAfter(scheduled, now)
    const waiting = scheduled.punctuate(now)
    if (waiting) return waiting.then(() => runDue(all.slice(i + 1), now)).then(() => true)
  }
  return hasRun
}

const nextAfter = ({ next, everyMs }: Scheduled, now: number): number =>
  next + (Math.floor((now - next) / everyMs) + 1) * everyMs
