#!/usr/bin/env node
// Starts the command line under a Node that can run it. The source is TypeScript, which Node 24 runs as it is; where an older Node finds
// this file first, the pinned one (devDependency `node`) takes over with the same arguments, streams and signals.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major] = process.versions.node.split('.').map(Number)

if (major >= 24) {
  // Syncs wait for the disk in Node's thread pool, and reads of old records queue behind them; four threads are soon all waiting.
  process.env.UV_THREADPOOL_SIZE ??= '8'
  module.enableCompileCache?.()
  await import('../src/main.ts')
} else {
  const candidates = ['../../../node_modules/node/bin/node', '../node_modules/node/bin/node', '../../node/bin/node']
  const pinned = candidates.map(path => fileURLToPath(new URL(path, import.meta.url))).find(existsSync)
  if (pinned === undefined) {
    console.error(
      `odradek needs Node 24 or newer; this is ${process.versions.node}. Run \`npm ci\` in the clone, which installs one beside it.`,
    )
    process.exit(2)
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) process.removeAllListeners(signal).kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}
