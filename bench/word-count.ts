/** The main job as a newcomer runs it: `npm start -- --once`, from the shell to its exit. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Family } from './row.ts'

export const wordCountFamily: Family = async place => {
  place.say('word count')
  const began = performance.now()
  const child = spawn('npm', ['start', '--silent', '--', '--once'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'ignore',
  })
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  if (code !== 0) throw new Error(`npm start -- --once ended with exit code ${code}`)
  return [
    {
      name: 'word count of the book, npm start -- --once',
      unit: 's',
      lessIsBetter: true,
      ours: (performance.now() - began) / 1_000,
      rivals: {},
    },
  ]
}
