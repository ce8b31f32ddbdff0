/** Our broker as its users start it: a process, from the shell. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunningBroker } from '../row.ts'

const program = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url))
const startupTimeoutMs = 60_000
const stopTimeoutMs = 10_000

/** On an empty data folder, which goes when it stops. */
export async function odradekBroker(): Promise<RunningBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-bench-'))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  try {
    const broker = await odradekOn(folder)
    const stop = async () => {
      await broker.stop()
      await removeFolder()
    }
    return { ...broker, stop }
  } catch (error) {
    await removeFolder()
    throw error
  }
}

export interface BrokerOnFolder extends RunningBroker {
  /** `kill -9`: without an orderly end. */
  kill(): Promise<void>
}

/** On a data folder that stays. */
export async function odradekOn(folder: string): Promise<BrokerOnFolder> {
  const began = performance.now()
  const args = [program, 'serve', '--listen', '127.0.0.1:0', '--data', folder, '-c', 'num.partitions=4']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  let said = ''
  const ready = new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`our broker ${why}. It said:\n${said}`))
    const timer = setTimeout(() => fail(`was not ready after ${startupTimeoutMs} ms`), startupTimeoutMs)
    const listen = (bytes: Buffer) => {
      said = (said + bytes).slice(-4_000)
      const address = /odradek ready on (\S+)/.exec(said)?.[1]
      if (address === undefined) return
      clearTimeout(timer)
      resolve(address)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', code => fail(`ended with exit code ${code}`))
  })
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const stop = async () => {
    child.kill('SIGTERM')
    const hard = setTimeout(kill, stopTimeoutMs)
    await ended
    clearTimeout(hard)
  }
  try {
    const bootstrap = await ready
    return { name: 'odradek', bootstrap, pid: child.pid!, startMs: performance.now() - began, stop, kill }
  } catch (error) {
    await stop()
    throw error
  }
}
