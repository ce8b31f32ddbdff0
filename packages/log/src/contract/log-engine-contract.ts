/** What every LogEngine must do, whatever it stores its bytes on. `logEngineContract` runs the same tests against each. */
import { afterEach, beforeEach, describe, test } from 'node:test'
import { appending } from './appending.ts'
import { Bench, type EngineUnderTest } from './bench.ts'
import { growing } from './growing.ts'
import { reading } from './reading.ts'
import { sequences } from './sequences.ts'
import { shrinking } from './shrinking.ts'
import { starting } from './starting.ts'
import { timesAndEpochs } from './times-and-epochs.ts'
import { transactions } from './transactions.ts'

export function logEngineContract(name: string, make: () => Promise<EngineUnderTest>): void {
  describe(`${name} as a LogEngine`, () => {
    const bench = new Bench()
    beforeEach(async () => bench.begin(await make()))
    afterEach(() => bench.end())
    for (const tests of [appending, reading, sequences, timesAndEpochs, growing, shrinking, starting, transactions]) {
      for (const [claim, check] of Object.entries(tests)) test(claim, () => check(bench))
    }
  })
}
