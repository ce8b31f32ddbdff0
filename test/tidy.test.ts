/**
 * Style as a test: one pass over the tracked source, a list of checks, one form of complaint.
 *
 * - arrows between packages point down (ARCHITECTURE.md);
 * - files and functions stay short; tables may be long;
 * - time, chance, disk and wire come from `world`, so that everything above it can be simulated;
 * - names say what a thing is.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What a package may import, besides itself. A package that is not listed may import nothing. */
const below: Record<string, readonly string[]> = {
  world: [],
  protocol: ['world'],
  log: ['protocol', 'world'],
  broker: ['log', 'protocol', 'world'],
  client: ['protocol', 'world'],
  streams: ['client', 'protocol', 'world'],
  cli: ['broker', 'client', 'log', 'protocol', 'streams', 'world'],
}

const fileLimit = 400
const functionLimit = 50

/** Long because they are data: a row an API, an error, a setting. */
const tables = [
  /^packages\/protocol\/src\/messages\//,
  /^packages\/protocol\/src\/error-table\.ts$/,
  /^packages\/broker\/src\/config\//,
]

const worldOnly: [RegExp, string][] = [
  [/\bDate\.now\s*\(|\bnew Date\(\)/, 'wall time'],
  [/\bperformance\.now\s*\(|\bprocess\.hrtime\b/, 'monotonic time'],
  [/\bMath\.random\s*\(/, 'chance'],
  [/\b(setTimeout|setInterval|setImmediate)\s*\(/, 'a timer'],
  [/from '(node:)?(fs|fs\/promises|net|tls|timers|timers\/promises)'/, 'the system'],
]

const bannedNames = /^(utils?|helpers?|common|misc|types|manager|impl|handler2|new-.*|shared)$/

interface Source {
  path: string
  text: string
  lines: string[]
  package: string | undefined
  isTest: boolean
}

const sources: Source[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(path => path !== '')
  .map(path => {
    const text = readFileSync(`${root}/${path}`, 'utf8')
    const isTest = /\.test\.ts$|\.suite\.ts$|\/testing\/|\/contract\/|^test\/|^bench\/|^scripts\//.test(path)
    return { path, text, lines: text.split('\n'), package: /^packages\/([^/]+)\//.exec(path)?.[1], isTest }
  })

const complain = (complaints: string[]) => assert.deepEqual(complaints, [], complaints.join('\n'))

test('arrows between packages point down', () => {
  const complaints: string[] = []
  for (const { path, text, package: from, isTest } of sources) {
    if (from === undefined) continue
    for (const [, to] of text.matchAll(
      /from '@odradek\/([a-z]+)(?:\/[^']*)?'|import\('@odradek\/([a-z]+)(?:\/[^']*)?'\)/g,
    )) {
      if (to === undefined || to === from || below[from]?.includes(to)) continue
      // A test may start a broker to talk to; what ships may not.
      if (isTest) continue
      complaints.push(`${path}: ${from} may not import ${to}`)
    }
    for (const [, relative] of text.matchAll(/from '((?:\.\.\/)+[^']*)'/g)) {
      const climbed = new URL(relative!, `file:///${path}`).pathname.slice(1)
      if (!climbed.startsWith(`packages/${from}/`))
        complaints.push(`${path}: imports ${climbed} by path; import the package`)
    }
  }
  complain(complaints)
})

test('time, chance, disk and wire come from world', () => {
  const complaints: string[] = []
  for (const { path, lines, package: name, isTest } of sources) {
    if (name === undefined || isTest || path.startsWith('packages/world/src/real/')) continue
    const mayUseSystem = name === 'streams' || name === 'cli'
    lines.forEach((line, i) => {
      if (/^\s*(\*|\/\/|\/\*)/.test(line)) return
      for (const [pattern, what] of worldOnly) {
        if (mayUseSystem && what === 'the system') continue
        if (pattern.test(line))
          complaints.push(`${path}:${i + 1}: takes ${what} from the system; take it from the world it is given`)
      }
    })
  }
  complain(complaints)
})

test('files and functions are short', () => {
  const complaints: string[] = []
  for (const { path, lines } of sources) {
    if (tables.some(table => table.test(path))) continue
    if (lines.length > fileLimit + 1) complaints.push(`${path}: ${lines.length} lines; the limit is ${fileLimit}`)
    // A suite is a function that holds tests: what is long is its list.
    if (/\.suite\.ts$|\/contract\//.test(path)) continue
    for (const { line, length } of longFunctions(lines))
      complaints.push(`${path}:${line}: a function of ${length} lines; the limit is ${functionLimit}`)
  }
  complain(complaints)
})

/** Functions and methods by their first line and the closing brace at the same indent: exact for formatted source. Test bodies and `describe` are not functions. */
function longFunctions(lines: string[]): { line: number; length: number }[] {
  const found: { line: number; length: number }[] = []
  const opens =
    /^(\s*)(?:export )?(?:default )?(?:async )?(?:function\b|(?:static |override |async |get |set |\*\s*)*[#\w[\].]+\s*(?:<[^>]*>)?\([^)]*\)[^=]*\{$|(?:const|let) \w+.*=>\s*\{$)/
  lines.forEach((line, start) => {
    const match = opens.exec(line)
    if (
      !match ||
      !line.trimEnd().endsWith('{') ||
      /^\s*(if|for|while|switch|catch|test|describe|it|suite)\b/.test(line)
    )
      return
    const end = lines.findIndex((other, i) => i > start && other.startsWith(`${match[1]}}`))
    if (end - start + 1 > functionLimit) found.push({ line: start + 1, length: end - start + 1 })
  })
  return found
}

test('names say what a thing is', () => {
  const complaints: string[] = []
  for (const { path, text } of sources) {
    for (const part of path.replace(/\.ts$/, '').split('/')) {
      if (bannedNames.test(part.replace(/\.(test|suite|property|fuzz)/g, '')))
        complaints.push(`${path}: "${part}" names nothing`)
      if (!/^[a-z0-9.-]+$/.test(part)) complaints.push(`${path}: "${part}" is not kebab-case`)
    }
    for (const [, name] of text.matchAll(
      /^export (?:abstract )?(?:class|interface|type) (\w*(?:Manager|Helper|Utils?|Impl|Misc)\w*)\b/gm,
    ))
      complaints.push(`${path}: type "${name}" names nothing`)
    for (const [, name] of text.matchAll(/^export (?:class|interface|type) (I[A-Z][a-z]\w*)\b/gm))
      complaints.push(`${path}: type "${name}" has an I-prefix`)
  }
  complain(complaints)
})

test('exports are named, and no work is left behind as a note', () => {
  const complaints: string[] = []
  for (const { path, lines, text, isTest } of sources) {
    if (/^export default/m.test(text)) complaints.push(`${path}: default export`)
    if (/^enum |^export enum |^namespace |^export namespace /m.test(text)) complaints.push(`${path}: enum or namespace`)
    if (isTest) continue
    lines.forEach((line, i) => {
      if (/\b(TODO|FIXME|XXX|HACK)\b/.test(line)) complaints.push(`${path}:${i + 1}: finish it or leave it out`)
    })
  }
  complain(complaints)
})
