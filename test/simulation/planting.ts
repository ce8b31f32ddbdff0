/**
 * Plants a bug: while modules are loaded, one text of one file is replaced by another. Nothing in the code that ships knows of it. The
 * process that has called this must not have loaded the file before, and is good for nothing else afterwards.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { PlantedBug } from './planted-bugs.ts'

const packages = new URL('../../packages/', import.meta.url)

export function plant(bug: PlantedBug): void {
  const wanted = new URL(bug.file, packages).href
  plantedSource(bug)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      return url === wanted ? { ...loaded, source: plantedSource(bug) } : loaded
    },
  })
}

/** The file with the bug in it. Throws when the text to replace is not there exactly once. */
export function plantedSource({ name, file, from, to }: PlantedBug): string {
  const source = readFileSync(fileURLToPath(new URL(file, packages)), 'utf8')
  const times = source.split(from).length - 1
  if (times !== 1)
    throw new Error(
      `planted bug ${name}: packages/${file} has its text ${times} times, not once. Bring test/simulation/planted-bugs.ts along:\n${from}`,
    )
  return source.replace(from, () => to)
}
