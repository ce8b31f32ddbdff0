/**
 * Addresses as people write them: `host`, `host:port`, `[::1]:9092`, `::1`, several separated by commas, with or without a
 * listener's name in front (`PLAINTEXT://host:9092`). The port defaults to 9092.
 */
import { UsageError } from '@odradek/protocol'
import type { Address } from '@odradek/world'

export const defaultPort = 9092

export function parseAddresses(text: string | readonly string[]): Address[] {
  const parts = (typeof text === 'string' ? [text] : text).flatMap(part => part.split(/[\s,]+/)).filter(Boolean)
  if (parts.length === 0) throw new UsageError("no broker is named: give at least one address such as 'localhost:9092'")
  return parts.map(parseAddress)
}

export function parseAddress(text: string): Address {
  const bare = text.replace(/^[A-Za-z][\w+.-]*:\/\//, '').replace(/\/$/, '')
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(bare)
  if (bracketed) return { host: bracketed[1]!, port: portOf(bracketed[2], text) }
  const colon = bare.indexOf(':')
  if (colon !== bare.lastIndexOf(':')) return { host: bare, port: defaultPort } // a bare IPv6 address
  const host = colon < 0 ? bare : bare.slice(0, colon)
  if (!host) throw new UsageError(`'${text}' has no host: write an address such as 'localhost:9092'`)
  return { host, port: portOf(colon < 0 ? undefined : bare.slice(colon + 1), text) }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function portOf(text: string | undefined, whole: string): number {
  if (text === undefined) return defaultPort
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new UsageError(`'${whole}' has no valid port: write an address such as 'localhost:9092'`)
  }
  return port
}
