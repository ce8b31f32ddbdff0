/** A key or a value for a person to read: text as it is, bytes in hex, windows as Kafka Streams shows them, anything else as JSON. */
export function shown(it: unknown): string {
  if (typeof it === 'string') return it
  if (it instanceof Uint8Array) return Buffer.from(it).toString('hex')
  if (isWindow(it)) return `[${shown(it.key)}@${it.start}/${it.end}]`
  return JSON.stringify(it, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? String(it)
}

const isWindow = (it: unknown): it is { key: unknown; start: number; end: number } =>
  typeof it === 'object' && it !== null && 'key' in it && 'start' in it && 'end' in it && Object.keys(it).length === 3
