/**
 * Compaction, killed at each of its steps, again and again: a process whose disk ends it at the chosen moment writes on while the cleaner
 * works, and afterwards the last value of every key is there, deleted keys say so, and committed reads are what the model says.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { realDisk } from '@odradek/world'
import type { Chaos } from '../chaos.ts'
import { readCommitted } from '../compaction/committed-read.ts'
import type { Life } from '../compaction/compaction-main.ts'
import { KeyedModel } from '../compaction/keyed-model.ts'
import { dropping, keeping, startEngine } from '../compaction/keyed-topics.ts'
import { atLeast, item, none } from '../item.ts'

const script = fileURLToPath(new URL('../compaction/compaction-main.ts', import.meta.url))

export const killedCompaction = item({
  id: 'R12',
  what: 'compaction killed at each step',
  bars: {
    steps: atLeast(12, 'steps at which it was killed'),
    kills: atLeast(50, 'kills at each, fewest'),
    wrong: none('lives after which a key, a tombstone or a committed read was wrong'),
  },
  async run(chaos) {
    const first = new History(chaos, chaos.folder())
    const steps = Object.keys(await first.live(300, undefined))
    const histories = [first]
    const kills = new Map<string, number>()
    const wanted = chaos.count({ quick: 1, full: 50 })
    for (const [i, step] of steps.entries()) {
      if (chaos.options.isQuick && i % 2 === 1) continue
      const history = chaos.options.isQuick ? first : new History(chaos, chaos.folder())
      if (history !== first) histories.push(history)
      const count = await history.kills(step, wanted)
      if (count > 0) kills.set(step, count)
      chaos.say(`${count} kills ${step}, by life ${history.lives} of the folder`)
    }
    const fewest = kills.size === 0 ? 0 : Math.min(...kills.values())
    return {
      steps: { value: kills.size, detail: `of ${steps.length}` },
      kills: chaos.options.isQuick ? { skipped: `${fewest} in a quick run` } : fewest,
      wrong: {
        value: sum(histories.map(({ wrong }) => wrong)),
        detail: `of ${sum(histories.map(({ lives }) => lives))}`,
      },
    }
  },
})

const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0)

/** One data folder through all its lives. */
class History {
  lives = 0
  wrong = 0
  readonly #chaos: Chaos
  readonly #folder: string
  readonly #model = new KeyedModel()

  constructor(chaos: Chaos, folder: string) {
    this.#chaos = chaos
    this.#folder = folder
  }

  /** How often it was killed at the step: as often as is wanted, unless the step hardly ever comes. A life is to be killed when it has come one to four times, and it may come but once. */
  async kills(step: string, wanted: number): Promise<number> {
    let kills = 0
    for (let life = 0; kills < wanted && life < 8 * wanted; life++)
      if (Object.keys(await this.live(300, step)).length === 0) kills++
    return kills
  }

  /** The steps that it came by, if it was not killed; then everything is checked. */
  async live(operations: number, step: string | undefined): Promise<Record<string, number>> {
    const open = this.#model.openTransaction
    const life: Life = {
      folder: this.#folder,
      leaderEpoch: 2 * this.lives++,
      seed: this.#chaos.random.int(2 ** 31),
      firstId: this.#model.nextId,
      operations,
      ...(open && { open }),
      ...(step !== undefined && { step, times: 1 + this.#chaos.random.int(4) }),
    }
    const steps = await this.#run(life)
    await this.#check(step ?? 'no kill')
    return steps
  }

  async #run(life: Life): Promise<Record<string, number>> {
    const child = spawn(process.execPath, [script, JSON.stringify(life)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise<string | number | null>(resolve =>
      child.once('exit', (code, signal) => resolve(signal ?? code)),
    )
    let steps: Record<string, number> = {}
    for await (const line of createInterface(child.stdout)) {
      const told = JSON.parse(line)
      if (told.begun) this.#model.begun(told.begun)
      else if (told.done !== undefined) this.#model.done(told.offsets)
      else if (told.aborted !== undefined) this.#model.aborted()
      else steps = told.steps
    }
    const how = await ended
    if (how !== 'SIGKILL' && how !== 0) throw new Error(`the process ended with ${how} at ${life.step}`)
    return steps
  }

  async #check(what: string): Promise<void> {
    // A disk of its own, so that the cleaner has no thread in this process.
    const engine = await startEngine({ ...realDisk }, this.#folder, 2 * this.lives - 1)
    const found = new Map<number, Awaited<ReturnType<typeof readCommitted>>>()
    for (const partition of [keeping, dropping]) found.set(partition, await readCommitted(engine, partition))
    await engine.close({ drain: false })
    const wrong = this.#model.check(found)
    if (wrong.length > 0) this.wrong++
    for (const each of wrong.slice(0, 3)) this.#chaos.say(`killed ${what}: ${each}`)
  }
}
