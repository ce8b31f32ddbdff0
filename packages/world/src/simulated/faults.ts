import { systemError } from '../memory/folder-tree.ts'

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'link'
  | 'remove'
  | 'makeFolder'
  | 'syncFolder'

export interface FaultRule {
  on: DiskOperation
  /** Node's code: 'EIO', 'ENOSPC', 'EMFILE', … */
  code: string
  /** Only paths that contain it, or match it. All when absent. */
  path?: string | RegExp
  /** How many such operations succeed first. Default 0. */
  after?: number
  /** How many fail then. Default 1. */
  times?: number
}

/** The faults that wait for their operation. */
export class Faults {
  readonly #rules = new Set<{ rule: FaultRule; before: number; left: number }>()

  /** Gives what takes the rule back. */
  add(rule: FaultRule): () => void {
    const armed = { rule, before: rule.after ?? 0, left: rule.times ?? 1 }
    this.#rules.add(armed)
    return () => {
      this.#rules.delete(armed)
    }
  }

  clear(): void {
    this.#rules.clear()
  }

  /** The error that this operation meets, if any; it counts as one operation for each rule it fits. */
  meet(operation: DiskOperation, path: string): Error | undefined {
    for (const armed of this.#rules) {
      const { on, path: wanted } = armed.rule
      const fits =
        on === operation &&
        (wanted === undefined || (typeof wanted === 'string' ? path.includes(wanted) : wanted.test(path)))
      if (!fits || armed.before-- > 0) continue
      if (--armed.left === 0) this.#rules.delete(armed)
      return systemError(armed.rule.code, `injected into ${operation}`, path)
    }
    return undefined
  }
}
