/**
 * Who owned which partition when, from what each member noted of itself, and whether two ever owned the same. Decides only.
 *
 *     member a   owns 3 @ generation 7 ───────── released
 *     member b                                             owns 3 @ generation 8 ─── …
 *
 * Two claims are checked. In one generation (or epoch) a partition has one owner. And at one moment it has one owner, as far as that can
 * be known: who was killed or stopped, or learns that it was expired, cannot say when it ceased to be one.
 */
export type OwnershipEvent =
  /** All that the member owns. Of static members the instance is who they are: another process with it is the same member. */
  | { kind: 'owns'; at: number; member: string; instance?: string; generation: number; partitions: readonly number[] }
  /** Given up in order. */
  | { kind: 'released'; at: number; member: string; partitions: readonly number[] }
  /** The member is told that they were taken from it, some time ago. */
  | { kind: 'lost'; at: number; member: string; partitions: readonly number[] }
  /** Killed, stopped or closed. What it claims after it was stopped is from before, until it has lost that or is in a later generation. */
  | { kind: 'ended'; at: number; member: string }

export interface Doubly {
  readonly partition: number
  readonly members: readonly string[]
  readonly what: string
}

/** Times are milliseconds of one clock; events may come in any order. */
export function ownedTwiceInGeneration(events: readonly OwnershipEvent[]): Doubly[] {
  const owners = new Map<string, Set<string>>()
  for (const event of events) {
    if (event.kind !== 'owns' || event.generation < 0) continue
    for (const partition of event.partitions) {
      const key = `${partition} ${event.generation}`
      owners.set(key, (owners.get(key) ?? new Set()).add(event.instance ?? event.member))
    }
  }
  return [...owners]
    .filter(([, members]) => members.size > 1)
    .map(([key, members]) => {
      const [partition, generation] = key.split(' ')
      const what = `partition ${partition} in generation ${generation}: ${[...members].join(' and ')}`
      return { partition: Number(partition), members: [...members], what }
    })
}

interface Stay {
  readonly member: string
  readonly partition: number
  readonly from: number
  to: number
}

export function ownedTwiceAtOnce(events: readonly OwnershipEvent[]): Doubly[] {
  const byPartition = Map.groupBy(
    staysOf(events).filter(({ from, to }) => to > from),
    ({ partition }) => partition,
  )
  const found: Doubly[] = []
  for (const [partition, stays] of byPartition) {
    let before: Stay | undefined
    for (const stay of stays.toSorted((a, b) => a.from - b.from)) {
      if (before && stay.from < before.to && stay.member !== before.member) {
        const ms = Math.round(10 * (Math.min(before.to, stay.to) - stay.from)) / 10
        const members = [before.member, stay.member]
        found.push({ partition, members, what: `partition ${partition}: ${members.join(' and ')} for ${ms} ms` })
      }
      if (!before || stay.to > before.to) before = stay
    }
  }
  return found
}

/** Of a stay that was lost nobody knows the end, so it counts for nothing. */
function staysOf(events: readonly OwnershipEvent[]): Stay[] {
  const stays: Stay[] = []
  const open = new Map<string, Map<number, Stay>>()
  const zombies = new Set<string>()
  const generations = new Map<string, number>()
  const close = (member: string, partitions: Iterable<number>, at: number | 'lost') => {
    const its = open.get(member)
    for (const partition of [...partitions]) {
      const stay = its?.get(partition)
      if (!stay) continue
      its!.delete(partition)
      stay.to = at === 'lost' ? stay.from : at
    }
  }
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    const { at, member } = event
    const its = open.get(member) ?? new Map<number, Stay>()
    open.set(member, its)
    if (event.kind === 'ended') {
      if (its.size > 0) zombies.add(member)
      close(member, its.keys(), at)
    } else if (event.kind === 'lost') {
      zombies.delete(member)
      close(member, event.partitions, 'lost')
    } else if (event.kind === 'released') close(member, event.partitions, at)
    else if (!zombies.has(member) || event.generation > generations.get(member)!) {
      zombies.delete(member)
      generations.set(member, event.generation)
      const owned = new Set(event.partitions)
      close(
        member,
        [...its.keys()].filter(partition => !owned.has(partition)),
        at,
      )
      for (const partition of owned) {
        if (its.has(partition)) continue
        const stay = { member, partition, from: at, to: Number.POSITIVE_INFINITY }
        its.set(partition, stay)
        stays.push(stay)
      }
    }
  }
  return stays
}

/** Who owns each partition after all that happened. */
export function ownersNow(events: readonly OwnershipEvent[]): Map<number, string[]> {
  const open = staysOf(events).filter(({ to }) => to === Number.POSITIVE_INFINITY)
  return new Map(
    Array.from(
      Map.groupBy(open, ({ partition }) => partition),
      ([at, some]) => [at, some.map(({ member }) => member)],
    ),
  )
}

/** Offsets of a partition that no range covers, up to its end. */
export function unprocessed(ranges: readonly { from: number; to: number }[], end: number): number[] {
  const done = new Uint8Array(end)
  for (const { from, to } of ranges) done.fill(1, from, to)
  return Array.from(done.keys()).filter(offset => done[offset] === 0)
}
