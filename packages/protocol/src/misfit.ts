import type { Field, Fields, Type } from './schema.ts'

/**
 * Finds the field that keeps a value from being encoded. Encoders do not check what the compiler has checked; when one fails all the
 * same, this says where: `topics[0].name: expected a string, got undefined`.
 */
export function misfit(fields: Fields, version: number, value: any, path = ''): string | null {
  if (typeof value !== 'object' || value === null) return `${path || 'the message'}: expected an object, got ${value}`
  for (const [name, of] of Object.entries(fields)) {
    const field = 'type' in of ? (of as Field<any>) : undefined
    if (field !== undefined && (version < field.from || version > field.to || value[name] === undefined)) continue
    const found = misfitOf(
      (field?.type ?? of) as Type<any>,
      version,
      value[name],
      path === '' ? name : `${path}.${name}`,
    )
    if (found !== null) return found
  }
  return null
}

const expected: Record<string, readonly [article: string, fits: (value: unknown) => boolean]> = {
  bool: ['a boolean', value => typeof value === 'boolean'],
  int64: ['an integer within ±2^53', value => Number.isSafeInteger(value)],
  bigint64: ['a bigint', value => typeof value === 'bigint'],
  uuid: [
    'a uuid of 36 characters',
    value => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
  ],
  string: ['a string', value => typeof value === 'string'],
  bytes: ['bytes', value => value instanceof Uint8Array],
  records: ['bytes or a list of them', value => value instanceof Uint8Array || Array.isArray(value)],
  array: ['an array', value => Array.isArray(value)],
}
const aNumber: (typeof expected)[string] = ['a number', value => typeof value === 'number']

function misfitOf(type: Type<any>, version: number, value: any, path: string): string | null {
  if (value === null) {
    if (version >= (type.nullableFrom ?? Infinity)) return null
    return `${path}: null is not allowed${type.nullableFrom === undefined ? '' : ` before version ${type.nullableFrom}`}`
  }
  if (type.kind === 'struct') return misfit(type.fields!, version, value, path)
  const [what, fits] = expected[type.kind] ?? aNumber
  if (!fits(value)) return `${path}: expected ${what}, got ${typeof value === 'string' ? `'${value}'` : String(value)}`
  if (type.kind !== 'array') return null
  for (const [i, element] of value.entries()) {
    const found = misfitOf(type.element!, version, element, `${path}[${i}]`)
    if (found !== null) return found
  }
  return null
}
