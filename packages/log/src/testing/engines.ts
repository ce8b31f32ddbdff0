/** Embedded engines on each kind of disk, for the contract. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryDisk, realClock, realDisk, simulatedWorld } from '@odradek/world'
import type { EngineUnderTest } from '../contract/bench.ts'
import { EmbeddedEngine } from '../embedded-engine.ts'

const settle = <T>(promise: Promise<T>): Promise<T> => promise

export async function engineOnRealDisk(): Promise<EngineUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-log-'))
  let leaderEpoch = 0
  return {
    start: () => EmbeddedEngine.start({ clock: realClock, disk: realDisk, folder, leaderEpoch: leaderEpoch++ }),
    settle,
    dispose: () => rm(folder, { recursive: true }),
  }
}

export async function engineOnMemoryDisk(): Promise<EngineUnderTest> {
  const disk = memoryDisk()
  let leaderEpoch = 0
  return {
    start: () => EmbeddedEngine.start({ clock: realClock, disk, folder: '/data', leaderEpoch: leaderEpoch++ }),
    settle,
    dispose: async () => undefined,
  }
}

/** Small limits, so that files are closed, indexes and tails dropped all the time. */
export async function engineOnSimulatedDisk(): Promise<EngineUnderTest> {
  const world = simulatedWorld({ seed: 1, disk: { syncMs: [0.1, 5], readMs: [0, 1] } })
  const { clock, disk } = world
  let leaderEpoch = 0
  const limits = {
    ...{ openFiles: 1, tailBytes: 1200, tailBytesEach: 800, indexBytes: 100, syncs: 1 },
    ...{ journalBytes: 8192, journaledBytes: 300 },
  }
  return {
    start: () => EmbeddedEngine.start({ clock, disk, folder: '/data', leaderEpoch: leaderEpoch++, limits }),
    settle: promise => clock.finish(promise),
    dispose: async () => undefined,
  }
}
