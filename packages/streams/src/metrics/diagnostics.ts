/**
 * What a running instance tells whoever listens, by `node:diagnostics_channel`; nothing is made when nobody does.
 *
 *   odradek:streams:process  { applicationId, taskId, records, latencyMs }        a turn of a task, up to some hundred records
 *   odradek:streams:poll     { applicationId, records, latencyMs }
 *   odradek:streams:commit   { applicationId, tasks, latencyMs }
 *   odradek:streams:dropped  { applicationId, taskId, node, reason, place }       a record that is passed over
 *   odradek:streams:state    { applicationId, state, before }
 */
import { type Channel, channel } from 'node:diagnostics_channel'
import type { RecordMetadata } from '../record.ts'

export interface ProcessEvent {
  readonly applicationId: string
  readonly taskId: string
  readonly records: number
  readonly latencyMs: number
}

export interface PollEvent {
  readonly applicationId: string
  readonly records: number
  readonly latencyMs: number
}

export interface CommitEvent {
  readonly applicationId: string
  readonly tasks: readonly string[]
  readonly latencyMs: number
}

export interface DroppedEvent {
  readonly applicationId: string
  readonly taskId: string
  readonly node: string
  readonly reason: string
  readonly place: RecordMetadata | undefined
}

export interface StateEvent {
  readonly applicationId: string
  readonly state: string
  readonly before: string
}

export const processChannel: Channel = channel('odradek:streams:process')
export const pollChannel: Channel = channel('odradek:streams:poll')
export const commitChannel: Channel = channel('odradek:streams:commit')
export const droppedChannel: Channel = channel('odradek:streams:dropped')
export const stateChannel: Channel = channel('odradek:streams:state')
