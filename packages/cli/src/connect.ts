import { Kafka } from '@odradek/client'

/** The cluster a command talks to: -b, else ODRADEK_BROKER, else the default of `odradek dev`. A command gives up sooner than a program. */
export function connect(flags: { broker?: string }, options: { retryTimeoutMs?: number } = {}): Kafka {
  return new Kafka({
    brokers: flags.broker ?? process.env.ODRADEK_BROKER ?? '127.0.0.1:9092',
    clientId: 'odradek-cli',
    connectTimeoutMs: 3_000,
    retryTimeoutMs: options.retryTimeoutMs ?? 5_000,
  })
}
