import type { TaskInput } from './task-assignor.ts'

export interface StandbyCandidate {
  readonly memberId: string
  readonly processId: string
  /** By task id: offsets that its state lacks. */
  readonly state: Readonly<Record<string, number>>
}

/**
 * Where copies of state are kept: never in the process that has the task or another copy of it, with those that have some of it already,
 * and evenly. Fewer copies than wished where there are not so many processes.
 */
export function placeStandbys(
  candidates: readonly StandbyCandidate[],
  shares: ReadonlyMap<string, readonly TaskInput[]>,
  copies: number,
): Map<string, string[]> {
  const placed = new Map<string, string[]>(candidates.map(({ memberId }) => [memberId, []]))
  const tasks = [...shares.values()].flat().filter(({ hasState }) => hasState)
  const most = Math.ceil((tasks.length * copies) / Math.max(1, candidates.length))
  const loadOf = ({ memberId }: StandbyCandidate) => shares.get(memberId)!.length + placed.get(memberId)!.length
  const hasState = (one: StandbyCandidate, { taskId }: TaskInput) => one.state[taskId] !== undefined
  for (const task of tasks) {
    const owner = candidates.find(({ memberId }) => shares.get(memberId)!.includes(task))!
    const processes = new Set([owner.processId])
    for (let copy = 0; copy < copies; copy++) {
      const free = candidates.filter(({ processId }) => !processes.has(processId))
      const stays = free.filter(one => hasState(one, task) && placed.get(one.memberId)!.length < most)
      const chosen = leastOf(stays.length > 0 ? stays : free, one => loadOf(one))
      if (!chosen) break
      placed.get(chosen.memberId)!.push(task.taskId)
      processes.add(chosen.processId)
    }
  }
  return placed
}

export function leastOf<T>(all: readonly T[], costOf: (one: T) => number): T | undefined {
  let least: T | undefined
  for (const one of all) if (least === undefined || costOf(one) < costOf(least)) least = one
  return least
}
