import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Broker } from '@odradek/broker'
import { UsageError } from '@odradek/protocol'
import { realWorld } from '@odradek/world'
import { letBrokerHeapGrow } from './broker-heap.ts'
import { terminalLogger } from './logger.ts'

/** The flags by which a broker is set up; `serve` and `dev` share them. */
export const brokerFlags = {
  listen: {
    type: 'string',
    value: 'HOST:PORT',
    help: 'where to listen; port 0 picks a free one (default 127.0.0.1:9092)',
  },
  data: { type: 'string', value: 'DIR', help: 'folder that keeps the records' },
  memory: { type: 'boolean', help: 'keep nothing: records live in memory and end with the process' },
  nodes: { type: 'string', value: 'N', help: 'present N nodes, on ports from that of --listen on (default 1)' },
  config: { type: 'string', value: 'FILE', help: 'settings as lines KEY=VALUE, under their Kafka names' },
  set: { type: 'string', multiple: true, short: 'c', value: 'KEY=VALUE', help: 'one setting; wins over --config' },
  verbose: { type: 'boolean', short: 'v', help: 'log more to stderr' },
} as const

export interface BrokerFlags {
  listen?: string
  data?: string
  memory?: boolean
  nodes?: string
  config?: string
  set?: string[]
  verbose?: boolean
  /** Only what needs attention: the screen belongs to something else. */
  quiet?: boolean
}

export async function startBroker(flags: BrokerFlags): Promise<Broker> {
  if (flags.memory && flags.data !== undefined)
    throw new UsageError('--data and --memory exclude each other: keep the records, or do not.')
  if (!flags.memory && flags.data === undefined)
    throw new UsageError('Say where to keep the records with --data DIR, or --memory to keep nothing.')
  letBrokerHeapGrow()
  return Broker.start({
    world: realWorld(),
    listen: parseAddress(flags.listen ?? '127.0.0.1:9092', '--listen'),
    data: flags.memory ? { memory: true } : { folder: resolve(flags.data!) },
    nodes: parseCount(flags.nodes ?? '1', '--nodes'),
    config: { ...(await configFile(flags.config)), ...configPairs(flags.set ?? [], '-c') },
    logger: terminalLogger(flags.verbose ? 'debug' : flags.quiet ? 'error' : 'info'),
  })
}

/** 'HOST:PORT', '[::1]:PORT' or ':PORT'. */
export function parseAddress(text: string, flag: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) throw new UsageError(`${flag} ${text} is not HOST:PORT, for example 127.0.0.1:9092.`)
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port }
}

export function parseCount(text: string, flag: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`${flag} ${text} is not a whole number of at least 1.`)
  return Number(text)
}

export function configPairs(pairs: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`${flag} ${pair} is not KEY=VALUE, for example ${flag} retention.ms=86400000.`)
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )
}

async function configFile(path: string | undefined): Promise<Record<string, string>> {
  if (path === undefined) return {}
  const lines = (await readFile(path, 'utf8')).split('\n').map(line => line.trim())
  return configPairs(
    lines.filter(line => line !== '' && !line.startsWith('#')),
    `in ${path}:`,
  )
}
