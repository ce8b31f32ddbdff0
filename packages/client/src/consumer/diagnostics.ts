/**
 * What a consumer tells whoever listens, by `node:diagnostics_channel`; free of cost when nobody does.
 *
 *   odradek:consumer:trouble     { group, source, error }             a transient failure; it will be retried
 *   odradek:consumer:rebalance   { group, memberId, phase, reason }   a step in the life of the member
 *   odradek:consumer:protocol    { group, protocol, reason }          'consumer' or 'classic' was chosen, where the broker decides
 *   odradek:consumer:stalled     { group, sinceLastPollMs }           nobody polled for the maximum poll interval
 *   odradek:consumer:commit      { group, offsets }                   offsets are committed
 *   odradek:consumer:reset       { topic, partition, offset, reason } a position was set by the start policy
 */
import { type Channel, channel } from 'node:diagnostics_channel'

export const troubleChannel: Channel = channel('odradek:consumer:trouble')
export const rebalanceChannel: Channel = channel('odradek:consumer:rebalance')
export const protocolChannel: Channel = channel('odradek:consumer:protocol')
export const stalledChannel: Channel = channel('odradek:consumer:stalled')
export const commitChannel: Channel = channel('odradek:consumer:commit')
export const resetChannel: Channel = channel('odradek:consumer:reset')
