/**
 * A control group of Linux with a limit of memory, page cache included, for a process that is to be short of it. Needs root, and the
 * memory controller: of version 1 at /sys/fs/cgroup/memory, of version 2 at /sys/fs/cgroup.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ControlGroup {
  /** The command that runs another in it. */
  within(command: readonly [string, ...string[]]): [string, ...string[]]
  /** When its processes have ended. */
  close(): Promise<void>
}

const first = { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' }
const second = { root: '/sys/fs/cgroup', limit: 'memory.max' }

let groups = 0

/** Throws an error that says why there can be none. */
export function controlGroup(limitBytes: number): ControlGroup {
  const { root, limit } = existsSync(`${first.root}/${first.limit}`) ? first : second
  if (!existsSync(`${root}/cgroup.procs`)) throw new Error('needs a control group, and this system has none')
  const folder = `${root}/odradek-bench-${process.pid}-${++groups}`
  try {
    if (root === second.root) writeFileSync(`${root}/cgroup.subtree_control`, '+memory')
    mkdirSync(folder)
    writeFileSync(`${folder}/${limit}`, String(limitBytes))
    if (existsSync(`${folder}/memory.swap.max`)) writeFileSync(`${folder}/memory.swap.max`, '0')
  } catch (error) {
    throw new Error(`needs a control group of its own: ${(error as Error).message}`)
  }
  return {
    within: command => ['/bin/sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$@"`, 'sh', ...command],
    async close() {
      while (readFileSync(`${folder}/cgroup.procs`, 'utf8') !== '') await sleep(20)
      rmdirSync(folder)
    },
  }
}
