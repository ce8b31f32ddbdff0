/** The options of an engine with their defaults filled in and checked. */
import { UsageError } from '@odradek/protocol'
import { notNegative, oneOf, positive, shown } from '../options.ts'
import type { Assignor } from './assignors/assignor.ts'
import { cooperativeSticky } from './assignors/cooperative-sticky.ts'
import type { EngineHooks, EngineOptions, StartPosition } from './engine.ts'

export interface EngineSettings {
  readonly groupId: string | undefined
  readonly groupInstanceId: string | null
  readonly groupProtocol: 'auto' | 'consumer' | 'classic'
  readonly serverAssignor: string | null
  readonly assignors: readonly Assignor[]
  readonly from: StartPosition
  readonly isolation: 'read_uncommitted' | 'read_committed'
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPollIntervalMs: number
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly partitionMaxBytes: number
  readonly bufferBytes: number
  readonly checkCrcs: boolean
  readonly rackId: string | null
  readonly retryForMs: number
  readonly metadataMaxAgeMs: number
  readonly autoCreateTopics: boolean
  readonly hooks: EngineHooks
}

export const defaultMaxPollIntervalMs = 300_000
export const defaultMaxRecords = 500

const mebibyte = 1024 * 1024

export function settingsOf(options: EngineOptions): EngineSettings {
  const settings: EngineSettings = {
    groupId: options.group,
    groupInstanceId: options.groupInstanceId ?? null,
    groupProtocol: protocolOf(options),
    serverAssignor: options.serverAssignor ?? null,
    assignors: options.assignors ?? [cooperativeSticky()],
    from: options.from ?? 'latest',
    isolation: options.isolation ?? 'read_uncommitted',
    sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 3_000,
    maxPollIntervalMs: options.maxPollIntervalMs ?? defaultMaxPollIntervalMs,
    maxWaitMs: options.maxWaitMs ?? 500,
    minBytes: options.minBytes ?? 1,
    partitionMaxBytes: options.partitionMaxBytes ?? mebibyte,
    bufferBytes: options.bufferBytes ?? 32 * mebibyte,
    checkCrcs: options.checkCrcs ?? true,
    rackId: options.rackId ?? null,
    retryForMs: options.retryForMs ?? 300_000,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 60_000,
    autoCreateTopics: options.autoCreateTopics ?? true,
    hooks: options.hooks ?? {},
  }
  check(settings)
  return settings
}

/** What only the classic protocol has: with the other, the broker decides it. */
const classicOnly = ['assignors', 'sessionTimeoutMs', 'heartbeatIntervalMs'] as const

/** Whoever asks for something that only one protocol has gets that protocol. */
function protocolOf(options: EngineOptions): EngineSettings['groupProtocol'] {
  const { groupProtocol = 'auto', serverAssignor } = options
  oneOf('groupProtocol', groupProtocol, ['auto', 'consumer', 'classic'])
  const classic = classicOnly.find(name => options[name] !== undefined)
  if (groupProtocol === 'consumer' && classic !== undefined) {
    throw new UsageError(
      `${classic} belongs to the classic protocol: leave it out (with groupProtocol 'consumer' the broker decides it), or write groupProtocol: 'classic'`,
    )
  }
  if (serverAssignor === undefined) return groupProtocol === 'auto' && classic !== undefined ? 'classic' : groupProtocol
  if (groupProtocol === 'classic' || classic !== undefined) {
    throw new UsageError(
      `serverAssignor belongs to the consumer protocol, ${classic ?? "groupProtocol: 'classic'"} to the classic one: leave one of them out`,
    )
  }
  return groupProtocol
}

function check(s: EngineSettings): void {
  checkFrom(s.from)
  oneOf('isolation', s.isolation, ['read_uncommitted', 'read_committed'])
  for (const name of above0) positive(name, s[name])
  for (const name of from0) notNegative(name, s[name])
  if (s.groupId === '') throw new UsageError('`group` is empty: name the group, or leave it out to read without one')
  if (s.groupInstanceId !== null && s.groupId === undefined) throw new UsageError('`groupInstanceId` needs a `group`')
  if (s.assignors.length === 0) throw new UsageError('`assignors` is empty: name at least one')
  if (s.heartbeatIntervalMs * 2 > s.sessionTimeoutMs) {
    const { heartbeatIntervalMs: beat, sessionTimeoutMs: session } = s
    throw new UsageError(
      `heartbeatIntervalMs (${beat}) must be at most half of sessionTimeoutMs (${session}), or one lost beat ends the session`,
    )
  }
}

const above0 = [
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'maxPollIntervalMs',
  'partitionMaxBytes',
  'bufferBytes',
  'retryForMs',
  'metadataMaxAgeMs',
] as const
const from0 = ['maxWaitMs', 'minBytes'] as const

function checkFrom(from: StartPosition): void {
  if (from === 'earliest' || from === 'latest' || from === 'fail') return
  if (typeof from === 'object' && from !== null) {
    if ('timestamp' in from && Number.isSafeInteger(from.timestamp)) return
    if ('offsets' in from && typeof from.offsets === 'object') return
  }
  throw new UsageError(
    `from is ${shown(from)}; write 'earliest', 'latest', 'fail', { timestamp: milliseconds } or { offsets: { 'topic-0': 5 } }`,
  )
}
