/**
 * What instances tell each other through the group, as JSON in the bytes that the brokers pass on unread. A member sends what state it
 * has; with its assignment it is told what it is to follow, and where everything is. Bytes that are not ours say nothing.
 */
export interface MemberData {
  /** Copies in one process would die together. */
  readonly processId: string
  readonly server: string | null
  /** What the members must agree on, see `topologyKey`. */
  readonly topology: string | null
  /** By task id: offsets that its state here lacks; 0 for what it works on. */
  readonly state: Readonly<Record<string, number>>
  /** It has failed and wants every instance to end: why. */
  readonly shutdown?: string
}

export interface AssignmentData {
  /** Why this member gets nothing. */
  readonly refused?: string
  /** Every instance is to end: why. */
  readonly shutdown?: string
  readonly standby: readonly string[]
  /** Partitions of every topic that is read: tasks and their inputs follow from it. */
  readonly widths: Readonly<Record<string, number>>
  readonly members: readonly PlacedMember[]
}

export interface PlacedMember {
  readonly instance: string
  readonly server: string | null
  readonly active: readonly string[]
  readonly standby: readonly string[]
}

const version = 1

export const encodeGroupData = (data: MemberData | AssignmentData): Uint8Array =>
  Buffer.from(JSON.stringify({ version, ...data }))

export function decodeMemberData(bytes: Uint8Array | null): MemberData | undefined {
  const data = decoded(bytes) as Partial<MemberData> | undefined
  if (typeof data?.processId !== 'string') return undefined
  const { processId, server = null, topology = null, state = {}, shutdown } = data
  return { processId, server, topology, state, ...(shutdown !== undefined && { shutdown }) }
}

export function decodeAssignmentData(bytes: Uint8Array | null): AssignmentData | undefined {
  const data = decoded(bytes) as Partial<AssignmentData> | undefined
  if (!Array.isArray(data?.members)) return undefined
  const { refused, shutdown, standby = [], widths = {}, members } = data
  return {
    ...(refused !== undefined && { refused }),
    ...(shutdown !== undefined && { shutdown }),
    standby,
    widths,
    members,
  }
}

function decoded(bytes: Uint8Array | null): object | undefined {
  if (!bytes || bytes.length === 0) return undefined
  try {
    const data: unknown = JSON.parse(Buffer.from(bytes).toString())
    return typeof data === 'object' && data !== null && (data as { version?: unknown }).version === version
      ? data
      : undefined
  } catch {
    return undefined
  }
}
