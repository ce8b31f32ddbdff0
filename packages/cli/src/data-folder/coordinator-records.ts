/** Records of `__consumer_offsets` and `__transaction_state` in words: the table that their key's type names reads them. */
import * as protocol from '@odradek/protocol'
import { coordinatorRecordType, decodeCoordinatorRecord } from '@odradek/protocol'
import { toJsonBytes } from '../output/record-json.ts'
import type { PrintableRecord } from '../output/record-template.ts'

const offsetsNames = [
  'OffsetCommit',
  'GroupMetadata',
  'ConsumerGroupMetadata',
  'ConsumerGroupPartitionMetadata',
  'ConsumerGroupMemberMetadata',
  'ConsumerGroupTargetAssignmentMetadata',
  'ConsumerGroupTargetAssignmentMember',
  'ConsumerGroupCurrentMemberAssignment',
  'ConsumerGroupRegularExpression',
  'ShareGroupMetadata',
  'ShareGroupMemberMetadata',
  'ShareGroupTargetAssignmentMetadata',
  'ShareGroupTargetAssignmentMember',
  'ShareGroupCurrentMemberAssignment',
  'ShareGroupStatePartitionMetadata',
] as const

type Table = typeof protocol.OffsetCommitKey
interface Tables {
  readonly name: string
  readonly key: Table
  readonly value: Table
}

const tables = protocol as unknown as Record<string, Table>
const tablesOf = (name: string): Tables => ({ name, key: tables[`${name}Key`]!, value: tables[`${name}Value`]! })
const byTopic: Readonly<Record<string, readonly Tables[]>> = {
  __consumer_offsets: offsetsNames.map(tablesOf),
  __transaction_state: [tablesOf('TransactionLog')],
}

export const isCoordinatorTopic = (topic: string): boolean => Object.hasOwn(byTopic, topic)

/** One line of JSON. A record whose table is not known keeps its bytes. */
export function coordinatorLine({ topic, partition, offset, timestamp, key, value }: PrintableRecord): string {
  const place = { topic, partition, offset, timestamp }
  try {
    const type = coordinatorRecordType(key!)
    const found = byTopic[topic]!.find(({ key: { versions } }) => versions[0] <= type && type <= versions[1])!
    const said = {
      type: found.name,
      key: decodeCoordinatorRecord(found.key, key!).value,
      value: value && decodeCoordinatorRecord(found.value, value).value,
    }
    return `${JSON.stringify({ ...place, ...said }, plain)}\n`
  } catch {
    return `${JSON.stringify({ ...place, type: 'unknown', key: toJsonBytes(key), value: toJsonBytes(value) })}\n`
  }
}

const plain = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? toJsonBytes(value) : value
