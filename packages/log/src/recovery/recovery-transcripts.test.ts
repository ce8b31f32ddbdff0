/**
 * Recovery as stories: what was done to a log, and what is there afterwards. Each line is a command and, after `=>`, what it answers.
 *
 *     append a b          one batch, acks=all                  kill        the process dies; what it wrote stays
 *     append a b acks=1   the same, not waited for to be safe  power       the machine dies; what was not synced is gone
 *     send a #3           an idempotent batch, sequence 3      stop        an orderly shutdown
 *     read                all values there are                 tear 5      cuts 5 bytes off the newest segment
 *     ends                log start and high watermark         litter 99   adds 99 bytes of noise to it
 *     trim 3              deletes the records before 3         lose index  removes all files of that kind
 *     files               the segments there are               age         puts the checkpoint back as it was at the last `note`
 *     read 4              the values from an offset on         lose 4.log  removes a segment alone
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import type { Appended } from '../engine.ts'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const stories: Record<string, string> = {
  'a process that is killed loses nothing it has written': `
    append a b            => 0
    append c acks=1       => 2
    kill
    read                  => a b c
    append d              => 3`,

  'a machine that loses power keeps what was acknowledged with acks=all': `
    append a b            => 0
    append c              => 2
    power
    read                  => a b c
    ends                  => 0 3`,

  'a torn write is cut off, and its place is used again': `
    append a b            => 0
    note
    append c d            => 2
    age
    tear 1
    kill
    read                  => a b
    append e              => 2
    kill
    read                  => a b e`,

  'what looks like a torn write but was durable is damage: it is passed over, and its offsets are not used again': `
    append a b            => 0
    append c d            => 2
    tear 1
    kill
    read                  => a b CORRUPT_MESSAGE
    append e              => 4
    files                 => 0 4
    read 4                => e
    ends                  => 0 5
    power
    read                  => a b CORRUPT_MESSAGE
    read 4                => e`,

  'without a checkpoint a snapshot or the next segment still vouches for what was durable': `
    append a              => 0
    stop
    lose checkpoint
    tear 1
    kill
    read                  => CORRUPT_MESSAGE
    append b              => 1
    read 1                => b`,

  'segments that are gone leave a hole, at the end, at the start or between others': `
    append 11111 22222    => 0
    append 33333 44444    => 2
    append 55555 66666    => 4
    append 77777 88888    => 6
    append 99999 00000    => 8
    files                 => 0 4 8
    lose 8.log
    kill
    read                  => 11111 22222 33333 44444 55555 66666 77777 88888 CORRUPT_MESSAGE
    append a              => 10
    lose 4.log
    kill
    read                  => 11111 22222 33333 44444 CORRUPT_MESSAGE
    read 10               => a
    lose 0.log
    kill
    ends                  => 0 11
    read                  => CORRUPT_MESSAGE
    read 10               => a
    append b              => 11
    trim 10               => 10
    read                  => a b
    power
    read                  => a b`,

  'a partition whose folder is gone goes on where it was': `
    append 11111 22222    => 0
    append 33333          => 2
    lose folder
    kill
    ends                  => 0 3
    read                  => CORRUPT_MESSAGE
    append a              => 3
    read 3                => a
    kill
    read                  => CORRUPT_MESSAGE
    read 3                => a`,

  'noise in place of the last segment, with nothing to say how long it was, costs an offset': `
    append a b            => 0
    stop
    lose index
    lose snapshot
    lose checkpoint
    scramble
    read                  => CORRUPT_MESSAGE
    append c              => 1
    read 1                => c`,

  'noise behind the last batch is cut off however it got there': `
    append a              => 0
    litter 61
    kill
    litter 5000
    kill
    read                  => a
    append b              => 1
    read                  => a b`,

  'an idempotent producer is known after any kind of end': `
    send a #0             => 0
    send b #1             => 1
    kill
    send b #1             => 1 again
    send c #2             => 2
    stop
    send c #2             => 2 again
    send d #4             => OUT_OF_ORDER_SEQUENCE_NUMBER
    lose snapshot
    kill
    send c #2             => 2 again
    send d #3             => 3
    power
    send a #0             => 0 again`,

  'a raised log start is never lowered': `
    append a b c          => 0
    append d              => 3
    trim 2                => 2
    power
    ends                  => 2 4
    trim -1               => 4
    power
    ends                  => 4 4
    append e              => 4
    read                  => e`,

  'segments, and what is beside them, come back after losing everything but the logs': `
    append 11111 22222    => 0
    append 33333 44444    => 2
    append 55555 66666    => 4
    append 77777 88888    => 6
    files                 => 0 4
    lose index
    lose snapshot
    lose checkpoint
    kill
    read                  => 11111 22222 33333 44444 55555 66666 77777 88888
    append 99999          => 8`,
}

for (const [name, story] of Object.entries(stories)) {
  test(name, async () => {
    const teller = new Teller()
    await teller.node.start()
    for (const line of story.trim().split('\n')) {
      const [command = '', expected = ''] = line.trim().split(/\s*=>\s*/)
      assert.equal(await teller.tell(command.trim()), expected.trim(), line.trim())
    }
  })
}

class Teller {
  readonly node: SimulatedNode = new SimulatedNode({ segmentBytes: 200 })
  #noted = new Uint8Array(0)

  async tell(line: string): Promise<string> {
    const [command = '', ...words] = line.split(/\s+/)
    const done = await this.#acts[command]!(words)
    return String(done ?? '')
  }

  readonly #acts: Record<string, (words: string[]) => Promise<unknown>> = {
    append: async words => {
      const values = words.filter(word => !word.startsWith('acks='))
      return answerOf(await this.node.append(batchOf({ values }), words.includes('acks=1') ? 1 : -1))
    },
    send: async ([value, sequence]) => {
      const baseSequence = Number(sequence!.slice(1))
      return answerOf(
        await this.node.append(batchOf({ values: [value!], producerId: 1n, producerEpoch: 0, baseSequence })),
      )
    },
    read: async ([from]) => {
      const [state] = await this.node.settle(this.node.engine.state([1]))
      const values: string[] = []
      for (let offset = from === undefined ? state!.logStartOffset : Number(from); ; ) {
        const result = await this.node.read(offset)
        if (!result.ok) return [...values, errorName(result.error)].join(' ')
        const found = valuesOf(result, offset)
        if (found.length === 0) return values.join(' ')
        values.push(...found)
        offset += found.length
      }
    },
    ends: async () => {
      const [state] = await this.node.settle(this.node.engine.state([1]))
      return `${state!.logStartOffset} ${state!.highWatermark}`
    },
    trim: async ([before]) => {
      const [trimmed] = await this.node.settle(this.node.engine.trim([{ partition: 1, before: Number(before) }]))
      return trimmed!.ok ? String(trimmed!.logStartOffset) : errorName(trimmed!.error)
    },
    files: async () => (await this.#logs()).map(name => Number.parseInt(name, 10)).join(' '),
    kill: () => this.node.kill(),
    power: async () => {
      this.node.disk.crash({ unsynced: 'lost' })
      await this.node.start()
    },
    stop: async () => {
      await this.node.settle(this.node.engine.close({ drain: true }))
      await this.node.start()
    },
    tear: async ([bytes]) => this.#changeNewest(found => found.slice(0, -Number(bytes))),
    litter: async ([bytes]) => {
      const noise = Array.from({ length: Number(bytes) }, (_, i) => (i * 131 + 7) & 0xff)
      await this.#changeNewest(found => Uint8Array.from([...found, ...noise]))
    },
    lose: async ([kind]) => {
      if (kind === 'checkpoint') return this.node.disk.remove('/data/checkpoint')
      if (kind === 'folder') return this.node.disk.remove('/data/orders-0')
      for (const name of await this.node.names())
        if (name.endsWith(`.${kind}`) || name === kind!.padStart(24, '0'))
          await this.node.disk.remove(`/data/orders-0/${name}`)
    },
    scramble: async () => {
      this.node.world.machine('m').crash({ unsynced: 'kept' })
      const mark = await this.node.disk.open('/data/clean-shutdown', 'create')
      await this.node.settle(mark.sync())
      await this.#changeNewest(found => found.map((byte, i) => byte ^ (i * 37)))
      await this.node.start()
    },
    note: async () => {
      this.#noted = Uint8Array.from(await this.node.disk.readFile('/data/checkpoint'))
    },
    age: () => this.node.edit('checkpoint', () => this.#noted),
  }

  async #logs(): Promise<string[]> {
    return (await this.node.names()).filter(name => name.endsWith('.log'))
  }

  async #changeNewest(change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    await this.node.edit(`orders-0/${(await this.#logs()).at(-1)}`, change)
  }
}

function answerOf(answer: Appended): string {
  if (!answer.ok) return errorName(answer.error)
  return `${answer.baseOffset}${answer.duplicate ? ' again' : ''}`
}

const errorName = (code: number): string => Object.entries(ErrorCodes).find(([, value]) => value === code)![0]
