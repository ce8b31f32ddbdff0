import type { Field, Fields, Type } from './schema.ts'

/**
 * Turns a table into straight-line code for one version, as a person would write it. Heartbeat v3's encoder, for instance, is
 *
 *     w.string(v.groupId)
 *     w.int32(v.generationId)
 *     w.string(v.memberId)
 *     w.nullableString(v.groupInstanceId === undefined ? null : v.groupInstanceId)
 *
 * It is made with `new Function`, which needs a runtime that allows code from strings, and of our own constant tables, never of
 * anything that came over the wire. Stack traces and debuggers show it as kafka/HeartbeatRequest/v3.encode.js.
 */
export interface Layout {
  readonly name: string
  readonly flexibleFrom: number
  readonly fields: Fields
}

interface Target {
  readonly version: number
  readonly flexible: boolean
}

export function compileEncoder(layout: Layout, version: number): (writer: any, value: any) => void {
  const target = { version, flexible: version >= layout.flexibleFrom }
  const body = encodeFields(layout.fields, 'v', 1, target)
  return new Function('w', 'v', `${body}\n//# sourceURL=kafka/${layout.name}/v${version}.encode.js`) as any
}

/** The traced form keeps the path of the field it is reading in the array `p`; it runs only to explain a failure. */
export function compileDecoder(layout: Layout, version: number, traced: boolean): (reader: any, path?: any) => any {
  const target = { version, flexible: version >= layout.flexibleFrom }
  const { code, object } = decodeFields(layout.fields, '', 1, target, traced ? 0 : -1)
  const kind = traced ? 'trace' : 'decode'
  return new Function(
    'r',
    'p',
    `${code}return ${object}\n//# sourceURL=kafka/${layout.name}/v${version}.${kind}.js`,
  ) as any
}

interface Slot extends Field<unknown, any> {
  readonly name: string
  readonly optional: boolean
}

function slotsOf(fields: Fields): Slot[] {
  return Object.entries(fields).map(([name, of]) =>
    'type' in of && typeof of.type === 'object'
      ? { ...(of as Field<unknown, any>), name, optional: true }
      : { type: of as Type<any, any>, from: 0, to: Infinity, absent: undefined, name, optional: false },
  )
}

const isPresent = (slot: Slot, version: number): boolean => slot.from <= version && version <= slot.to
const isNullable = (type: Type<any, any>, version: number): boolean => version >= (type.nullableFrom ?? Infinity)
const byTag = (a: Slot, b: Slot): number => a.tag! - b.tag!

/** The method of Reader and Writer that handles a type of variable length, or a scalar. */
function methodOf(type: Type<any, any>, target: Target): string {
  const base = type.kind === 'string' ? 'String' : type.kind === 'bytes' || type.kind === 'records' ? 'ByteArray' : ''
  if (base === '') return type.kind
  const name = `${isNullable(type, target.version) ? 'nullable' : ''}${target.flexible ? 'Compact' : ''}${base}`
  return name[0]!.toLowerCase() + name.slice(1)
}

// ── encoding ──

function encodeFields(fields: Fields, object: string, depth: number, target: Target): string {
  const slots = slotsOf(fields).filter(slot => isPresent(slot, target.version))
  let code = ''
  for (const slot of slots) {
    if (slot.tag === undefined) code += encodeSlot(slot, object, depth, target)
  }
  if (!target.flexible) return code
  const tagged = slots.filter(slot => slot.tag !== undefined).sort(byTag)
  if (tagged.length === 0) return `${code}w.uvarint(0)\n`
  return code + encodeTags(tagged, object, depth, target)
}

function encodeSlot(slot: Slot, object: string, depth: number, target: Target): string {
  const access = `${object}.${slot.name}`
  if (!slot.optional) return encodeValue(slot.type, access, depth, target)
  return encodeValue(slot.type, `(${access} === undefined ? ${literal(slot.absent)} : ${access})`, depth, target)
}

function encodeTags(tagged: Slot[], object: string, depth: number, target: Target): string {
  const tests = tagged.map(slot => {
    const access = `${object}.${slot.name}`
    return `const t${depth}_${slot.tag} = ${access} !== undefined && ${differs(slot.type, access, slot.absent)}\n`
  })
  const count = tagged.map(slot => `(t${depth}_${slot.tag} ? 1 : 0)`).join(' + ')
  const writes = tagged.map(slot => {
    const content = encodeValue(slot.type, `${object}.${slot.name}`, depth + 1, target)
    return `if (t${depth}_${slot.tag}) {\nw.uvarint(${slot.tag})\nconst m = w.beginSection()\n${content}w.endSection(m)\n}\n`
  })
  return `${tests.join('')}w.uvarint(${count})\n${writes.join('')}`
}

/** Code that says whether a value is worth a tagged field, that is, not its default. */
function differs(type: Type<any, any>, access: string, absent: unknown): string {
  if (absent === null) return `${access} !== null`
  const guard = type.nullableFrom === undefined ? '' : `${access} === null || `
  if (type.kind === 'array' || type.kind === 'bytes') return `(${guard}${access}.length > 0)`
  if (type.kind !== 'struct') return `${access} !== ${literal(absent)}`
  const parts = slotsOf(type.fields!).map(slot => {
    const inner = `${access}.${slot.name}`
    const test = differs(slot.type, inner, (absent as Record<string, unknown>)[slot.name])
    return slot.optional ? `(${inner} !== undefined && ${test})` : test
  })
  return `(${guard}${parts.join(' || ')})`
}

function encodeValue(type: Type<any, any>, access: string, depth: number, target: Target): string {
  if (type.kind === 'array') return encodeArray(type, access, depth, target)
  if (type.kind !== 'struct') return `w.${methodOf(type, target)}(${access})\n`
  const object = `o${depth}`
  const content = encodeFields(type.fields!, object, depth + 1, target)
  if (!isNullable(type, target.version)) return `{\nconst ${object} = ${access}\n${content}}\n`
  return `{\nconst ${object} = ${access}\nif (${object} === null) w.int8(-1)\nelse {\nw.int8(1)\n${content}}\n}\n`
}

function encodeArray(type: Type<any, any>, access: string, depth: number, target: Target): string {
  const [list, i] = [`a${depth}`, `i${depth}`]
  const length = target.flexible ? `w.uvarint(${list}.length + 1)` : `w.int32(${list}.length)`
  const element = encodeValue(type.element!, `${list}[${i}]`, depth + 1, target)
  const loop = `${length}\nfor (let ${i} = 0; ${i} < ${list}.length; ${i}++) {\n${element}}\n`
  if (!isNullable(type, target.version)) return `{\nconst ${list} = ${access}\n${loop}}\n`
  const none = target.flexible ? 'w.uvarint(0)' : 'w.int32(-1)'
  return `{\nconst ${list} = ${access}\nif (${list} === null) ${none}\nelse {\n${loop}}\n}\n`
}

// ── decoding ──

interface Decoding {
  /** Statements that leave each field in a variable. */
  code: string
  /** The expression that makes the object of them. */
  object: string
}

function decodeFields(fields: Fields, prefix: string, depth: number, target: Target, trace: number): Decoding {
  const slots = slotsOf(fields)
  const tagged: Slot[] = []
  let code = ''
  for (const slot of slots) {
    const variable = `${prefix}${slot.name}_`
    if (!isPresent(slot, target.version) || (slot.tag !== undefined && !target.flexible)) {
      code += `const ${variable} = ${literal(slot.absent)}\n`
    } else if (slot.tag === undefined) {
      code += enter(trace, `'${slot.name}'`) + declare(variable, slot.type, depth, target, trace)
    } else {
      code += `let ${variable} = ${literal(slot.absent)}\n`
      tagged.push(slot)
    }
  }
  if (target.flexible) code += enter(trace, "'(tags)'")
  if (target.flexible) code += tagged.length === 0 ? 'r.skipTags()\n' : decodeTags(tagged, prefix, depth, target, trace)
  return { code, object: `{ ${slots.map(slot => `${slot.name}: ${prefix}${slot.name}_`).join(', ')} }` }
}

function decodeTags(tagged: Slot[], prefix: string, depth: number, target: Target, trace: number): string {
  const cases = tagged.sort(byTag).map(slot => {
    const read = decodeInto(`${prefix}${slot.name}_`, slot.type, depth + 1, target, trace)
    return `case ${slot.tag}: {\n${enter(trace, `'${slot.name}'`)}${read}r.expectEnd(e${depth})\nbreak\n}\n`
  })
  const loop = `let n${depth} = r.uvarint(); n${depth} > 0; n${depth}--`
  const head = `const g${depth} = r.uvarint(), e${depth} = r.sizedEnd()\n`
  return `for (${loop}) {\n${head}switch (g${depth}) {\n${cases.join('')}default: r.at = e${depth}\n}\n}\n`
}

/** Reads a value into a variable of its own. */
function declare(variable: string, type: Type<any, any>, depth: number, target: Target, trace: number): string {
  const read = decodeInto(variable, type, depth, target, trace)
  return read.startsWith(`${variable} = r.`) ? `const ${read}` : `let ${variable}\n${read}`
}

function decodeInto(variable: string, type: Type<any, any>, depth: number, target: Target, trace: number): string {
  if (type.kind === 'array') return decodeArray(variable, type, depth, target, trace)
  if (type.kind !== 'struct') return `${variable} = r.${methodOf(type, target)}()\n`
  const inner = decodeFields(type.fields!, `s${depth}`, depth + 1, target, trace < 0 ? trace : trace + 1)
  const read = `{\n${inner.code}${variable} = ${inner.object}\n}\n`
  return isNullable(type, target.version) ? `if (!r.presence()) ${variable} = null\nelse ${read}` : read
}

function decodeArray(variable: string, type: Type<any, any>, depth: number, target: Target, trace: number): string {
  const [count, i, item] = [`c${depth}`, `i${depth}`, `x${depth}`]
  const isNull = isNullable(type, target.version)
  const method = `${isNull ? 'nullable' : ''}${target.flexible ? 'Compact' : ''}Count`
  const minimum = Math.max(1, minimumSize(type.element!, target))
  const element = declare(item, type.element!, depth + 1, target, trace < 0 ? trace : trace + 1)
  // A count is only believed as far as a small allocation goes; longer arrays grow as their elements turn out to be there.
  const loop = `${variable} = ${count} <= 1000 ? new Array(${count}) : []\nfor (let ${i} = 0; ${i} < ${count}; ${i}++) {
${trace < 0 ? '' : enter(trace + 1, i)}${element}${variable}[${i}] = ${item}\n}\n`
  const body = isNull ? `if (${count} < 0) ${variable} = null\nelse {\n${loop}}\n` : loop
  return `{\nconst ${count} = r.${method[0]!.toLowerCase()}${method.slice(1)}(${minimum}, ${memoryOf(type.element!)})\n${body}}\n`
}

const enter = (trace: number, step: string): string => (trace < 0 ? '' : `p.length = ${trace}\np.push(${step})\n`)

const scalarSizes: Record<string, number> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  bigint64: 8,
  float64: 8,
  uuid: 16,
}

/** The fewest bytes a value can take: what bounds the element count a frame may claim. */
function minimumSize(type: Type<any, any>, target: Target): number {
  const scalar = scalarSizes[type.kind]
  if (scalar !== undefined) return scalar
  if (type.kind !== 'struct') return target.flexible ? 1 : type.kind === 'string' ? 2 : 4
  if (isNullable(type, target.version)) return 1
  let size = target.flexible ? 1 : 0
  for (const slot of slotsOf(type.fields!)) {
    if (slot.tag === undefined && isPresent(slot, target.version)) size += minimumSize(slot.type, target)
  }
  return size
}

/** About how many bytes of memory an element of an array takes, with its slot in the array. */
function memoryOf(type: Type<any, any>): number {
  if (type.kind === 'struct') return slotsOf(type.fields!).reduce((sum, slot) => sum + memoryOf(slot.type), 32)
  return 8 + (memoryBeside[type.kind] ?? 0)
}

/** What a value takes besides its slot: strings, views and arrays have a head, and only small integers are stored in place. */
const memoryBeside: Record<string, number> = {
  int64: 16,
  bigint64: 24,
  float64: 16,
  uuid: 56,
  string: 24,
  bytes: 104,
  records: 104,
  array: 48,
}

/** A default as source code, so that each decoded message owns its empty arrays and structs. */
function literal(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return 'new Uint8Array(0)'
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => `${name}: ${literal(member)}`)
  return `{ ${members.join(', ')} }`
}
