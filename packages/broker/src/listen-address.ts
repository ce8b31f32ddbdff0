import { UsageError } from '@odradek/protocol'
import type { BrokerConfig } from './config/broker-config.ts'

export interface Address {
  host: string
  port: number
}

const lastPort = 65_535

/** Each node takes a port, one after the other. */
export function checkPorts({ host, port }: Address, nodes: number): void {
  const last = port === 0 ? 0 : port + nodes - 1
  if (last <= lastPort) return
  const what =
    nodes === 1 ? `Port ${port} does not exist` : `${nodes} nodes from ${host}:${port} on need ports up to ${last}`
  throw new UsageError(`${what}: ports end at ${lastPort}, so begin at ${lastPort - nodes + 1} or below.`)
}

/** Where others than this machine could come in, somebody has to say that this is meant: anyone who reaches the port may do anything. */
export function checkListen({ host, port }: Address, config: BrokerConfig): void {
  if (isLoopback(host) || config.get('odradek.insecure.network')) return
  throw new UsageError(
    `Listening on ${host}:${port} would let everyone who reaches it read and delete everything, for there is no authentication yet: listen on 127.0.0.1:${port}, or accept that with odradek.insecure.network=true.`,
  )
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)

/** advertised.listeners as HOST:PORT, or as Kafka writes it: PLAINTEXT://HOST:PORT. */
export function advertisedAddress(config: BrokerConfig): Address | undefined {
  const text = config.get('advertised.listeners')
  if (text === null) return undefined
  const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([^\]]+)\]|([^:/,]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port === 0 || port > lastPort) {
    throw new UsageError(`advertised.listeners=${text} is not HOST:PORT, for example kafka.example.com:9092.`)
  }
  return { host: match[1] ?? match[2]!, port }
}

/** Says what to do when a port cannot be had. */
export function listenFailure(error: unknown, { host, port }: Address): unknown {
  const code = (error as { code?: string }).code
  const where = `${host}:${port}`
  if (code === 'EADDRINUSE')
    return new UsageError(
      `Port ${port} on ${host} is taken: stop what listens there, or choose another port (0 picks a free one).`,
      { code: 'PORT_TAKEN' },
    )
  if (code === 'EACCES') return new UsageError(`Not allowed to listen on ${where}: choose a port above 1023.`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new UsageError(`This machine has no address ${host}: listen on one it has, such as 127.0.0.1.`)
  return error
}
