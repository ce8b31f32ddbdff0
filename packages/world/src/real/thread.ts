/** Manners of a thread that works for long beside threads that others wait for. Not for the main thread. */
import fs from 'node:fs'
import os from 'node:os'

/** On a full machine, a third of what another thread of the process gets. */
const lowered = 5
const nothing = new Int32Array(new SharedArrayBuffer(4))
/** As short as the system can make it: some 60 µs. */
const shortestMs = 0.001

/** Linux knows a priority for each thread; elsewhere nothing happens. */
export function lowerPriority(): void {
  if (process.platform !== 'linux') return
  try {
    const thread = Number(fs.readlinkSync('/proc/thread-self').split('/').at(-1))
    os.setPriority(thread, Math.max(os.getPriority(thread), lowered))
  } catch {
    // Without /proc, or not allowed: it goes on as it is.
  }
}

/** Lets go of the processor for so long, so that whoever waits for it runs. */
export function giveWay(ms = 0): void {
  Atomics.wait(nothing, 0, 0, Math.max(ms, shortestMs))
}
