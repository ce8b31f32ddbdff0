/** The wall clock of a broker, moved while it runs by libfaketime; its monotonic clock goes on as it did. The machine's clock is left alone. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServeOptions } from '../../durability/serve-process.ts'

const library = 'libfaketimeMT.so.1'

function libraryPath(): string | undefined {
  for (const folder of ['/usr/lib', '/usr/local/lib', '/usr/lib64']) {
    const inside = existsSync(folder) ? readdirSync(folder) : []
    for (const path of ['', ...inside].map(name => join(folder, name, 'faketime', library)))
      if (existsSync(path)) return path
  }
  return undefined
}

export class FakedTime {
  readonly options: ServeOptions
  readonly #file: string

  /** Undefined when libfaketime is missing or does nothing to Node. */
  static in(folder: string): FakedTime | undefined {
    const path = libraryPath()
    if (path === undefined) return undefined
    const time = new FakedTime(join(folder, 'offset'), path)
    time.jumpTo('+10d')
    const [command, ...args] = time.options.through!
    const { stdout } = spawnSync(command!, [...args, process.execPath, '-p', 'Date.now()'], { encoding: 'utf8' })
    time.jumpTo('+0')
    return Number(stdout) > Date.now() + 9 * 86_400_000 ? time : undefined
  }

  private constructor(file: string, path: string) {
    this.#file = file
    const variables = [`LD_PRELOAD=${path}`, `FAKETIME_TIMESTAMP_FILE=${file}`, 'FAKETIME_NO_CACHE=1']
    this.options = { through: ['env', ...variables, 'FAKETIME_DONT_FAKE_MONOTONIC=1'] }
  }

  /** From now on, the broker's wall clock is the machine's and so much more: '+1h', '-10d', '+0'. */
  jumpTo(offset: string): void {
    writeFileSync(this.#file, `${offset}\n`)
  }
}
