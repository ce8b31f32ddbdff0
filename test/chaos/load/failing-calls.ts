/** Makes chosen system calls of a broker fail: strace stops at these calls only, so the rest runs at its usual speed. */
import { spawnSync } from 'node:child_process'
import type { ServeOptions } from '../../durability/serve-process.ts'

export interface FailingCall {
  readonly calls: readonly string[]
  readonly error: 'EIO' | 'ENOSPC' | 'EMFILE'
  /** The first that fails, counted from 1 for each call by itself, and the last. */
  readonly from: number
  readonly to?: number
}

/** Undefined when it works here, else why it does not. */
export function cannotInject(): string | undefined {
  const { error, status } = spawnSync('strace', [...quietly, '-e', 'trace=fsync', 'true'])
  if (error) return 'strace is not installed'
  return status === 0 ? undefined : 'strace may not trace here'
}

const quietly = ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null']

/** The process that is started is the broker itself (`-D`): signals reach it, and its end is the end of all. */
export function failing({ calls, error, from, to = from }: FailingCall): ServeOptions {
  const when = to === from ? `${from}` : `${from}..${to}`
  const inject = calls.flatMap(call => ['-e', `inject=${call}:error=${error}:when=${when}`])
  // One thread in the pool, or each of them would count its own calls.
  return { through: ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-D', ...quietly, '-e', `trace=${calls}`, ...inject] }
}
