import { UsageError } from '@odradek/protocol'

/**
 * kcat's format tokens, compiled once: `%t %p %o %k %v\n`.
 *
 *     %t topic   %p partition   %o offset   %T timestamp (ms)   %h headers as a=b,c=d
 *     %k key     %K its length, -1 for null     %v or %s value     %S its length, -1 for null     %% a percent sign
 *     \n \t \r \0 \\ \xHH
 */
export interface PrintableRecord {
  topic: string
  partition: number
  offset: number
  timestamp: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: Iterable<readonly [string, Uint8Array | null]>
}

type Part = Buffer | ((record: PrintableRecord) => Uint8Array | string)

const tokens: Record<string, (record: PrintableRecord) => Uint8Array | string> = {
  t: r => r.topic,
  p: r => String(r.partition),
  o: r => String(r.offset),
  T: r => String(r.timestamp),
  k: r => r.key ?? '',
  K: r => String(r.key?.length ?? -1),
  v: r => r.value ?? '',
  s: r => r.value ?? '',
  S: r => String(r.value?.length ?? -1),
  h: r =>
    Array.from(r.headers, ([name, value]) => `${name}=${value === null ? 'NULL' : Buffer.from(value).toString()}`).join(
      ',',
    ),
  '%': () => '%',
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', 0: '\0', '\\': '\\' }

export function compileTemplate(template: string): (record: PrintableRecord) => Buffer {
  const parts: Part[] = []
  let literal = ''
  const flush = () => {
    if (literal !== '') parts.push(Buffer.from(literal))
    literal = ''
  }
  for (const [piece, token, escaped, hex] of template
    .matchAll(/%(.)|\\(?:x([0-9a-fA-F]{2})|(.))|[^%\\]+|[%\\]/gs)
    .map(m => [m[0], m[1], m[3], m[2]] as const)) {
    if (token !== undefined) {
      const render = Object.hasOwn(tokens, token) ? tokens[token]! : unknownToken(token)
      flush()
      parts.push(render)
    } else if (hex !== undefined) {
      flush()
      parts.push(Buffer.from(hex, 'hex'))
    } else literal += escaped === undefined ? piece : (escapes[escaped] ?? piece)
  }
  flush()
  return record => Buffer.concat(parts.map(part => bytesOf(typeof part === 'function' ? part(record) : part)))
}

const bytesOf = (part: Uint8Array | string): Uint8Array => (typeof part === 'string' ? Buffer.from(part) : part)

/** A delimiter as people type it: `\\t` is a tab. */
export const unescaped = (text: string): string => compileTemplate(text.replaceAll('%', '%%'))(nothing).toString()

const nothing: PrintableRecord = {
  topic: '',
  partition: 0,
  offset: 0,
  timestamp: 0,
  key: null,
  value: null,
  headers: [],
}

function unknownToken(token: string): never {
  throw new UsageError(
    `%${token} is not a format token. There are: ${Object.keys(tokens)
      .map(name => `%${name}`)
      .join(' ')}`,
  )
}
