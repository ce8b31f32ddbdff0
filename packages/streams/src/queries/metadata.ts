/** Which instance has what, for queries that must be sent to another one. Decides only: the group's last assignment is told to it. */
import { partitionOfKey, type TopicPartition } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { StreamsError } from '../streams-error.ts'

/** Where the program of an instance answers queries; the application's `applicationServer`. */
export interface HostInfo {
  readonly host: string
  readonly port: number
}

/** A task, as the assignment has it. */
export interface PlacedTask {
  readonly subtopology: number
  readonly partition: number
  readonly inputs: readonly TopicPartition[]
}

/** What an instance was given. */
export interface MemberTasks {
  readonly instance: string
  /** Null: it has not told of one. */
  readonly server: HostInfo | null
  readonly active: readonly PlacedTask[]
  readonly standby: readonly PlacedTask[]
}

/** What there is to know of an instance. */
export interface ClientMetadata {
  readonly instance: string
  readonly server: HostInfo | null
  readonly stores: readonly string[]
  readonly partitions: readonly TopicPartition[]
  readonly standbyStores: readonly string[]
  readonly standbyPartitions: readonly TopicPartition[]
}

export interface KeyMetadata {
  /** Null: whoever has it has not told where it answers. */
  readonly active: HostInfo | null
  readonly standbys: readonly HostInfo[]
  readonly partition: number
}

/** By sub-topology. */
export type StoresOf = (subtopology: number) => readonly string[]

export function clientMetadata(members: readonly MemberTasks[], storesOf: StoresOf): ClientMetadata[] {
  const stores = (tasks: readonly PlacedTask[]) =>
    [...new Set(tasks.flatMap(task => storesOf(task.subtopology)))].sort()
  return members.map(({ instance, server, active, standby }) => ({
    instance,
    server,
    stores: stores(active),
    partitions: active.flatMap(({ inputs }) => [...inputs]),
    standbyStores: stores(standby),
    standbyPartitions: standby.flatMap(({ inputs }) => [...inputs]),
  }))
}

export interface KeyQuery {
  readonly store: string
  /** In bytes. */
  readonly key: Uint8Array
  /** How many the store has. */
  readonly partitions: number
  /** Default: murmur2 of the key's bytes, as records are divided. */
  readonly partitionOf?: ((partitions: number) => number) | undefined
}

/** Who has the key, or would have it. */
export function keyMetadata(members: readonly MemberTasks[], storesOf: StoresOf, query: KeyQuery): KeyMetadata {
  const { store, key, partitions, partitionOf } = query
  const partition = partitionOf?.(partitions) ?? partitionOfKey(key, partitions)
  if (partition < 0 || partition >= partitions)
    throw new UsageError(`The key is said to be in partition ${partition} of '${store}', which has ${partitions}.`)
  const isIt = (task: PlacedTask) => task.partition === partition && storesOf(task.subtopology).includes(store)
  const owner = members.find(({ active }) => active.some(isIt))
  if (!owner)
    throw new StreamsError(
      'STORE_NOT_READY',
      `Nobody works on partition ${partition} of store '${store}' now: it is moving. Ask again later.`,
      { retriable: true },
    )
  const standbys = members.filter(({ standby }) => standby.some(isIt)).map(({ server }) => server)
  return { active: owner.server, standbys: standbys.filter(server => server !== null), partition }
}

/** `host:port`, or `[::1]:port`. Throws UsageError. */
export function parseServer(text: string): HostInfo {
  const found = /^(?:\[([\da-f:]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text)
  const port = Number(found?.[3])
  if (!found || port > 65_535) throw new UsageError(`\`applicationServer\` is '${text}'; write 'host:port'`)
  return { host: found[1] ?? found[2]!, port }
}
