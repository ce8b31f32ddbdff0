/**
 * A broker for one test, as a user would start it: `odradek serve --memory` on a free port, four default partitions,
 * topics made when first used, no waiting before a group's first rebalance.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** This repository's, unless ODRADEK_CLI names another: a release, or another checkout. */
export const cli =
  process.env.ODRADEK_CLI ?? fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url))

export const defaultSettings: Readonly<Record<string, string>> = {
  'num.partitions': '4',
  'auto.create.topics.enable': 'true',
  'group.initial.rebalance.delay.ms': '0',
}

export interface BrokerProcess extends AsyncDisposable {
  readonly bootstrap: string
  /** The end of what it wrote to stderr. */
  said(): string
}

export interface BrokerSetup {
  readonly nodes?: number
  readonly settings?: Readonly<Record<string, string>>
}

/** Another broker to run everything against, one for all, so as to see what it answers: HOST:PORT. */
const other = process.env.ODRADEK_CONFORMANCE_AGAINST

export async function startBroker({ nodes = 1, settings = {} }: BrokerSetup = {}): Promise<BrokerProcess> {
  if (other !== undefined) return { bootstrap: other, said: () => '', async [Symbol.asyncDispose]() {} }
  const pairs = Object.entries({ ...defaultSettings, ...settings }).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const flags = ['serve', '--memory', '--listen', '127.0.0.1:0', '--nodes', String(nodes), ...pairs]
  const child = spawn(process.execPath, [cli, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', bytes => {
    said = (said + bytes).slice(-16_000)
  })
  const bootstrap = await readyLine(child).catch(error => {
    child.kill('SIGKILL')
    throw new Error(`${error.message}. It said:\n${said}`)
  })
  return {
    bootstrap,
    said: () => said,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function readyLine(child: ChildProcess): Promise<string> {
  const late = AbortSignal.timeout(30_000)
  const lines = createInterface({ input: child.stdout! })
  const ended = once(child, 'exit', { signal: late }).then(() => {
    throw new Error(`the broker ended with exit code ${child.exitCode} before it was ready`)
  })
  const ready = (async () => {
    for await (const line of lines) {
      const address = /^odradek ready on (\S+)/.exec(line)?.[1]
      if (address !== undefined) return address
    }
    return ended
  })()
  const address = await Promise.race([ready, ended])
  ended.catch(() => {})
  child.stdout!.resume()
  return address
}
