/** The main job as a newcomer runs it, `npm start -- --once`, from the shell to its exit; on a folder and a port of its own. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interleavedMedians } from './interleave.ts'
import type { Family } from './row.ts'

export const wordCountFamily: Family = async place => {
  place.say('word count')
  const { odradek } = await interleavedMedians({ odradek: seconds }, { rounds: 3, warmUps: 0 })
  const name = 'word count of the book, npm start -- --once'
  return [{ name, unit: 's', lessIsBetter: true, ours: odradek!, rivals: {} }]
}

async function seconds(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-bench-'))
  const began = performance.now()
  const args = ['start', '--silent', '--', '--once', '--listen', '127.0.0.1:0', '--data', folder]
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const child = spawn('npm', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', bytes => (said = (said + bytes).slice(-500)))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  const elapsedMs = performance.now() - began
  await rm(folder, { recursive: true, force: true })
  if (code !== 0) throw new Error(`npm start -- --once ended with exit code ${code}: ${said.trim()}`)
  return elapsedMs / 1_000
}
