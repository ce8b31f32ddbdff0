import type { LogEngine } from '@odradek/log'
import type { Api, Request, ResponseInput } from '@odradek/protocol'
import type { Clock, Random } from '@odradek/world'
import type { ClusterStore } from './cluster-store/cluster-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { FetchSessions } from './fetch-sessions/fetch-sessions.ts'
import type { ConsumerGroups } from './groups/consumer/consumer-groups.ts'
import type { Groups } from './groups/index.ts'
import type { ShareGroups } from './groups/share/share-groups.ts'
import type { StreamsGroups } from './groups/streams/streams-groups.ts'
import type { Logger } from './logger.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { SharePartitions } from './share-partitions/share-partitions.ts'
import type { Topics } from './topics.ts'
import type { Transactions } from './transactions/index.ts'
import type { Turns } from './turns.ts'

/**
 * The answer to one API: `request → response`, nothing about bytes or sockets. One file per API under handlers/.
 *
 *     export const heartbeat: Handler<typeof Heartbeat> = {
 *       api: Heartbeat,
 *       handle(request, { broker, signal }) { … },
 *     }
 *
 * A handler returns error codes as data where the protocol has a place for them (per topic, per partition); it may throw a
 * `ProtocolError` when the whole request fails, and the connection puts it into the response's top-level `errorCode` where there is
 * one, else closes. It answers synchronously when it can: a promise costs the connection a turn.
 */
export interface Handler<A extends Api<any, any> = Api<any, any>> {
  readonly api: A
  /** Versions served, when they are not all of the table's. */
  readonly versions?: readonly [min: number, max: number]
  /** Versions ApiVersions names, when they are not those served. */
  readonly advertised?: readonly [min: number, max: number]
  /** Requests of this API may start before the ones before them are answered. Answers keep their order all the same. */
  readonly isPipelined?: boolean
  /** `null`: no response at all (Produce with acks=0). */
  handle(request: Request<A>, context: RequestContext): ResponseInput<A> | null | Promise<ResponseInput<A> | null>
}

/** Who asks, where, and what the answer can draw on. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** The client's address without its port, as Kafka prints it: '/127.0.0.1'. */
  readonly clientHost: string
  /** The node whose port the client dialled. One process can present several nodes. */
  readonly nodeId: number
  /** Aborts when the connection closes or the broker drains: whoever waits answers at once with what there is. */
  readonly signal: AbortSignal
  /** Closes the connection once earlier responses are out (an error with acks=0). The reason is logged. */
  close(reason: string): void
  readonly broker: BrokerServices
  /**
   * How many of the bytes of records that are wanted the answer may hold: one who reads slowly gets little at a time, and all together
   * get what the broker can hold. Ask right before reading; they count as taken until the answer is sent, or they are given back.
   */
  takeAllowance(wantedBytes: number): number
  /** The answer is not made yet, and takes no memory meanwhile. */
  giveBackAllowance(): void
  /** Every node, at the address this client should dial (advertised.listeners, or the host it dialled itself). */
  nodes(): readonly NodeAddress[]
}

export interface NodeAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** What the parts of a broker are made from. */
export interface BrokerParts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly engine: LogEngine
  readonly cluster: ClusterStore
  readonly topics: Topics
}

/** What all handlers share. */
export interface BrokerServices extends BrokerParts {
  readonly groups: Groups
  readonly consumerGroups: ConsumerGroups
  readonly transactions: Transactions
  readonly shareGroups: ShareGroups
  readonly streamsGroups: StreamsGroups
  readonly sharePartitions: SharePartitions
  readonly producerIds: ProducerIds
  /** Which partition of a Fetch is read first. */
  readonly fetchTurns: Turns
  readonly fetchSessions: FetchSessions
  /** Where the data is, for people: a folder, or 'memory'. */
  readonly dataName: string
  /** Node ids in ascending order; leaders and coordinators are spread over them. */
  readonly nodeIds: readonly number[]
  /** The node that leads a partition; Produce and Fetch at another node answer NOT_LEADER_OR_FOLLOWER. */
  leaderOf(partition: number): number
  /** The node that coordinates a group (or transaction); others answer NOT_COORDINATOR. */
  coordinatorOf(key: string): number
}
