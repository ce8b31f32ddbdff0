/** Where `streams reset` moves offsets to, from its flags: those of kafka-streams-application-reset. Pure. */
import type { ResetTarget } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { durationMs } from '../start-position.ts'

export interface TargetFlags {
  readonly 'to-earliest'?: boolean | undefined
  readonly 'to-latest'?: boolean | undefined
  readonly 'to-offset'?: string | undefined
  readonly 'to-datetime'?: string | undefined
  readonly 'by-duration'?: string | undefined
  readonly 'shift-by'?: string | undefined
  readonly 'from-file'?: string | undefined
}

const names = ['to-earliest', 'to-latest', 'to-offset', 'to-datetime', 'by-duration', 'shift-by', 'from-file'] as const

/** To the beginning where nothing is said. Undefined: a file says it for each partition. */
export function targetOf(flags: TargetFlags, now: number): ResetTarget | undefined {
  const given = names.filter(name => flags[name] !== undefined)
  if (given.length > 1)
    throw new UsageError(`${given.map(name => `--${name}`).join(' and ')} do not go together: say where to once.`)
  const [name = 'to-earliest'] = given
  const text = String(flags[name])
  switch (name) {
    case 'to-earliest':
      return 'earliest'
    case 'to-latest':
      return 'latest'
    case 'to-offset':
      return { offset: wholeNumber(text, name, /^\d+$/) }
    case 'shift-by':
      return { shift: wholeNumber(text, name, /^[+-]?\d+$/) }
    case 'to-datetime':
      return { timestamp: instant(text) }
    case 'by-duration':
      return { timestamp: now - duration(text) }
    case 'from-file':
      return undefined
  }
}

function wholeNumber(text: string, name: string, form: RegExp): number {
  if (!form.test(text)) throw new UsageError(`--${name} ${text} is not a whole number.`)
  return Number(text)
}

/** Without a zone: UTC, as Kafka's tool takes it. */
function instant(text: string): number {
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T')
  const time = Date.parse(hasZone ? text : `${text}Z`)
  if (Number.isNaN(time))
    throw new UsageError(`--to-datetime ${text} is no time. Write 2026-01-31T12:00:00 (UTC) or with a zone, +01:00.`)
  return time
}

/** `P1DT2H30M`, as ISO 8601 has it, or 90s, 5m, 1h, 2d. */
function duration(text: string): number {
  const iso = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text)
  if (!iso) return durationMs(text)
  const [days, hours, minutes, seconds] = iso.slice(1).map(part => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ]
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000)
}

export interface FileOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Lines `topic,partition,offset`. */
export function parseOffsetsFile(text: string): FileOffset[] {
  const lines = text.split(/\r?\n/).map(line => line.trim())
  return lines.flatMap((line, i) => {
    if (line === '') return []
    const found = /^"?([\w.-]+)"?,(\d+),(\d+)$/.exec(line)
    if (!found) throw new UsageError(`Line ${i + 1} of the file is '${line}'. Each must be topic,partition,offset.`)
    return [{ topic: found[1]!, partition: Number(found[2]), offset: Number(found[3]) }]
  })
}
