import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { apis } from './apis.ts'
import * as consumerProtocol from './consumer-protocol.ts'
import * as consumerGroup from './coordinator-records/consumer-group.ts'
import * as groupMetadata from './coordinator-records/group-metadata.ts'
import * as offsetCommit from './coordinator-records/offset-commit.ts'
import * as shareGroup from './coordinator-records/share-group.ts'
import * as streamsGroup from './coordinator-records/streams-group.ts'
import * as transactionLog from './coordinator-records/transaction-log.ts'
import { errorByCode } from './error-codes.ts'
import { Message } from './message.ts'
import { type Field, type Fields, noId, type Type } from './schema.ts'

/**
 * Compares the tables with Kafka's own, as plain data beside the project: for every message and version the same fields in the same
 * order, with the same types, nullability, tags and defaults.
 */
const folder = new URL('../../../../shared/protocol/', import.meta.url)
const missing = existsSync(folder) ? false : `Kafka's tables are not at ${folder.pathname}; nothing to compare with`
const load = (file: string): any[] => (missing ? [] : JSON.parse(readFileSync(new URL(file, folder), 'utf8')))

interface KafkaField {
  name: string
  type: string
  versions?: string
  nullableVersions?: string
  taggedVersions?: string
  tag?: number
  default?: unknown
  fields?: KafkaField[]
}

interface KafkaMessage {
  apiKey?: number
  type: string
  name: string
  validVersions: string
  flexibleVersions: string
  latestVersionUnstable?: boolean
  fields: KafkaField[]
  commonStructs?: { name: string; fields: KafkaField[] }[]
}

/** One field as it is in one version; both sides are brought into this form. */
interface Described {
  name: string
  type: string
  nullable: boolean
  tag: number | null
  default: unknown
  fields: Described[] | null
}

const lowerCamel = (name: string): string => name[0]!.toLowerCase() + name.slice(1)

function rangeOf(versions: string): [number, number] {
  if (versions === 'none') return [Infinity, Infinity]
  const [from, to] = versions.split(/[-+]/)
  if (versions.endsWith('+')) return [Number(from), Infinity]
  return [Number(from), Number(to ?? from)]
}

const holds = (versions: string | undefined, version: number): boolean => {
  if (versions === undefined) return false
  const [from, to] = rangeOf(versions)
  return from <= version && version <= to
}

// ── Kafka's side ──

function describeKafka(message: KafkaMessage, fields: KafkaField[], version: number): Described[] {
  const present = fields.filter(field => holds(field.versions ?? field.taggedVersions, version))
  return present.map(field => {
    const structName = field.type.replace('[]', '')
    const inner = field.fields ?? message.commonStructs?.find(({ name }) => name === structName)?.fields
    return {
      name: lowerCamel(field.name),
      type: inner === undefined ? field.type : field.type.replace(structName, 'struct'),
      nullable: holds(field.nullableVersions, version),
      tag: holds(field.taggedVersions, version) ? field.tag! : null,
      default: kafkaDefault(message, field, inner),
      fields: inner === undefined ? null : describeKafka(message, inner, version),
    }
  })
}

function kafkaDefault(message: KafkaMessage, field: KafkaField, inner: KafkaField[] | undefined): unknown {
  const given = field.default
  if (given === null || given === 'null') return null
  if (field.type.startsWith('[]')) return []
  if (inner !== undefined) {
    return Object.fromEntries(
      inner.map(member => [lowerCamel(member.name), kafkaDefault(message, member, member.fields)]),
    )
  }
  if (field.type === 'bool') return String(given) === 'true'
  if (field.type === 'string') return given ?? ''
  if (field.type === 'uuid') return noId
  if (field.type === 'bytes' || field.type === 'records') return ''
  return String(given === undefined || given === '' ? 0 : BigInt(given as string))
}

// ── our side ──

/** In Kafka since 4.3 (KIP-1251), in tags, which whoever does not know them passes over: the tables of 4.2 do not have them. */
const later: ReadonlyMap<string, string> = new Map([['ConsumerGroupCurrentMemberAssignmentValue', 'assignmentEpochs']])

function describeOurs(fields: Fields, version: number, leftOut?: string): Described[] {
  const described: Described[] = []
  for (const [name, of] of Object.entries(fields)) {
    const isField = 'type' in of
    const type = (isField ? of.type : of) as Type<any>
    const field = isField ? (of as Field<any>) : undefined
    if (field !== undefined && (version < field.from || version > field.to)) continue
    if (name === leftOut) continue
    const element = type.kind === 'array' ? type.element! : type
    described.push({
      name,
      type: (type.kind === 'array' ? '[]' : '') + element.kind.replace('big', ''),
      nullable: version >= (type.nullableFrom ?? Infinity),
      tag: field?.tag ?? null,
      default: field === undefined ? zeroOf(type) : plainDefault(field.absent),
      fields: element.fields === undefined ? null : describeOurs(element.fields, version, leftOut),
    })
  }
  return described
}

function zeroOf(type: Type<any>): unknown {
  if (type.kind === 'array') return []
  if (type.kind === 'struct') {
    const members = Object.entries(type.fields!)
    return Object.fromEntries(members.map(([name, of]) => [name, 'type' in of ? plainDefault(of.absent) : zeroOf(of)]))
  }
  if (type.kind === 'bool') return false
  if (type.kind === 'uuid') return noId
  return type.kind === 'string' || type.kind === 'bytes' || type.kind === 'records' ? '' : '0'
}

function plainDefault(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainDefault(member)]))
}

function compare(ours: Message<any>, kafka: KafkaMessage, versions: readonly [number, number]): void {
  for (let version = versions[0]; version <= versions[1]; version++) {
    const expected = describeKafka(kafka, kafka.fields, version)
    assert.deepEqual(describeOurs(ours.fields, version, later.get(ours.name)), expected, `${kafka.name} v${version}`)
  }
}

test('every request and response is what Kafka says it is, in every version', { skip: missing }, () => {
  const messages: KafkaMessage[] = load('messages.json')
  for (const api of apis) {
    for (const type of ['request', 'response'] as const) {
      const kafka = messages.find(message => message.type === type && message.apiKey === api.key)!
      const valid = rangeOf(kafka.validVersions)
      assert.equal(kafka.name, api[type].name)
      assert.deepEqual(api[type].versions, valid, `${kafka.name}: valid versions`)
      assert.equal(api.flexible, rangeOf(kafka.flexibleVersions)[0], `${kafka.name}: first flexible version`)
      compare(api[type], kafka, valid)
    }
  }
})

test('an API offers all valid versions but the one Kafka calls unstable', { skip: missing }, () => {
  for (const kafka of load('messages.json') as KafkaMessage[]) {
    const api = kafka.type === 'request' ? apis.find(({ key }) => key === kafka.apiKey) : undefined
    if (api === undefined) continue
    const [min, max] = rangeOf(kafka.validVersions)
    assert.deepEqual(api.versions, [min, kafka.latestVersionUnstable ? max - 1 : max], api.name)
  }
})

test('the consumer protocol is what Kafka says it is', { skip: missing }, () => {
  for (const table of [consumerProtocol.ConsumerProtocolAssignment, consumerProtocol.ConsumerProtocolSubscription]) {
    const kafka = (load('messages.json') as KafkaMessage[]).find(({ name }) => name === table.name)!
    assert.deepEqual(table.versions, rangeOf(kafka.validVersions))
    compare(table, kafka, table.versions)
  }
})

test('every coordinator record is what Kafka says it is; the version of a key is its record type', {
  skip: missing,
}, () => {
  const modules = [consumerGroup, groupMetadata, offsetCommit, shareGroup, streamsGroup, transactionLog]
  const tables = modules.flatMap(module => Object.values(module)).filter(table => table instanceof Message)
  const seen = new Set<string>()
  for (const kafka of load('records.json') as KafkaMessage[]) {
    if (!kafka.type.startsWith('coordinator-')) continue
    const table = tables.find(({ name }) => name === kafka.name.replace('Legacy', ''))
    assert.ok(table, kafka.name)
    seen.add(table.name)
    if (kafka.type === 'coordinator-key') {
      assert.ok(table.versions[0] <= kafka.apiKey! && kafka.apiKey! <= table.versions[1], kafka.name)
      assert.deepEqual(describeOurs(table.fields, kafka.apiKey!), describeKafka(kafka, kafka.fields, 0), kafka.name)
    } else if (!kafka.name.startsWith('Legacy')) {
      assert.deepEqual(table.versions, rangeOf(kafka.validVersions), kafka.name)
      assert.equal(table.flexibleFrom, rangeOf(kafka.flexibleVersions)[0], kafka.name)
      compare(table, kafka, table.versions)
    }
  }
  assert.deepEqual([...seen].sort(), tables.map(({ name }) => name).sort())
})

test('64-bit integers are bigints for producer ids, hashes and unbounded high watermarks only', () => {
  const bigints = new Set<string>()
  const collect = (fields: Fields): void => {
    for (const [name, of] of Object.entries(fields)) {
      const type = ('type' in of ? of.type : of) as Type<any>
      const element = type.kind === 'array' ? type.element! : type
      if (element.kind === 'bigint64') bigints.add(name)
      if (element.fields !== undefined) collect(element.fields)
    }
  }
  for (const api of apis) for (const type of ['request', 'response'] as const) collect(api[type].fields)
  assert.deepEqual([...bigints].sort(), [
    'highWatermark',
    'ongoingTxnProducerId',
    'producerId',
    'producerIdFilters',
    'v3AndBelowProducerId',
  ])
})

test('the error table has exactly the codes of Kafka, with what clients do about them', { skip: missing }, () => {
  for (const kafka of load('errors.json')) {
    const { code, name, retriable, refreshMetadata } = errorByCode(kafka.code)
    assert.deepEqual({ code, name, retriable, refreshMetadata }, kafka)
  }
})
