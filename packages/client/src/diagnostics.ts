/**
 * What producers and connections tell whoever listens, by `node:diagnostics_channel`; free of cost when nobody does. Consumers
 * have theirs in consumer/diagnostics.ts. The first two are tracing channels: `tracing:odradek:producer:send:start`, `…:asyncEnd`,
 * `…:error`.
 *
 *   odradek:producer:send    { topic, record }                       one `send`; a subscriber to `start` may add to record.headers
 *   odradek:client:request   { api, version, host, port, clientId }  one request, from sending it to its answer
 *   odradek:producer:trouble { topic, partition, error }             a batch was not taken; it is sent again
 */
import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

export interface SendContext {
  readonly topic: string
  readonly record: { headers?: unknown }
}

export interface ProducerTrouble {
  readonly topic: string
  readonly partition: number
  readonly error: Error
}

export interface RequestContext {
  readonly api: string
  readonly version: number
  readonly host: string
  readonly port: number
  readonly clientId: string
}

export const sendChannel: TracingChannel<'odradek:producer:send', SendContext> = tracingChannel('odradek:producer:send')
export const requestChannel: TracingChannel<'odradek:client:request', RequestContext> =
  tracingChannel('odradek:client:request')
export const producerTroubleChannel: Channel = channel('odradek:producer:trouble')
