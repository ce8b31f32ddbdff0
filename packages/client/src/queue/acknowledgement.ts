/** Acknowledgements of one partition as they are gathered, and the form in which they travel: runs of offsets, each with its types. */

export const AckType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const
export type AckType = (typeof AckType)[keyof typeof AckType]

export interface AckBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  /** One for all, or one for each offset. */
  readonly acknowledgeTypes: readonly number[]
}

/** Neighbours travel together; types are written out only where they differ. Each offset at most once, in any order. */
export function ackBatches(acks: readonly { readonly offset: number; readonly type: AckType }[]): AckBatch[] {
  const inOrder = isSorted(acks) ? acks : acks.toSorted((a, b) => a.offset - b.offset)
  const batches: AckBatch[] = []
  for (let from = 0; from < inOrder.length; ) {
    const first = inOrder[from]!
    let to = from + 1
    let isMixed = false
    while (to < inOrder.length && inOrder[to]!.offset === first.offset + to - from) {
      if (inOrder[to]!.type !== first.type) isMixed = true
      to++
    }
    const acknowledgeTypes = isMixed ? inOrder.slice(from, to).map(({ type }) => type) : [first.type]
    batches.push({ firstOffset: first.offset, lastOffset: first.offset + to - from - 1, acknowledgeTypes })
    from = to
  }
  return batches
}

function isSorted(acks: readonly { readonly offset: number }[]): boolean {
  for (let i = 1; i < acks.length; i++) if (acks[i]!.offset < acks[i - 1]!.offset) return false
  return true
}
