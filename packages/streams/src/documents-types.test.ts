import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as streams from './index.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** What a program has that is not whole: everything there is to import, and what the first of its document made. */
const given: Readonly<Record<string, readonly string[]>> = {
  'docs/streams/README.md': [
    "import assert from 'node:assert/strict'",
    'interface Play { song: string; ms: number }',
    'declare const builder: StreamsBuilder',
    'declare const topology: Topology',
    'declare const streams: KafkaStreams',
  ],
  'docs/streams/operators.md': [
    "import type { KeyValueStore, ProcessorContext } from '@odradek/streams'",
    'declare const builder: StreamsBuilder',
  ],
}
const imports = [
  "import { serde } from '@odradek/client'",
  `import { ${Object.keys(streams).join(', ')} } from '@odradek/streams'`,
]

/** Each a module of its own, named after its line in the document. */
function modulesOf(document: string): { name: string; text: string }[] {
  const text = readFileSync(join(repository, document), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(({ 1: block, index }) => {
    const line = text.slice(0, index).split('\n').length
    const isWhole = block!.startsWith('import ')
    const above = [...imports, ...given[document]!].join('; ')
    return { name: `line-${line}.ts`, text: isWhole ? `\n${block}` : `${above}; {\n${block}}` }
  })
}

for (const document of Object.keys(given))
  test(`the programs of ${document} have the types that they seem to have`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-documents-'))
    try {
      symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
      const modules = modulesOf(document)
      assert.ok(modules.length > 0)
      for (const { name, text } of modules) writeFileSync(join(folder, name), text)
      const { compilerOptions } = JSON.parse(readFileSync(join(repository, 'tsconfig.json'), 'utf8'))
      const options = { ...compilerOptions, noUnusedLocals: false, declaration: false }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
      const tsc = join(repository, 'node_modules', '.bin', 'tsc')
      const { stdout } = await promisify(execFile)(tsc, ['-p', folder], { cwd: folder }).catch(error => error)
      assert.equal(stdout, '')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
