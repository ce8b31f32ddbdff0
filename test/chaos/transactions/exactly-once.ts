/**
 * What has become of each record that was read, processed and written in transactions. Decides only.
 *
 *     input i7 ──▶ copy 0 ─┐                 each copy of each input is there once,
 *              └─▶ copy 1 ─┴─ transaction    and of a transaction all records are there, or none
 *
 * A record says what it is: which copy of which input, in which transaction, and how many records that transaction has.
 */
export interface Output {
  readonly transaction: string
  /** Records of the transaction, over all partitions. */
  readonly of: number
  /** Of them, this is number 0 … `of` - 1. */
  readonly n: number
  readonly input: string
  readonly copy: number
}

export interface Flaws {
  /** Copies of inputs that nobody wrote. */
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  /** Transactions of which a part is there. */
  readonly torn: readonly string[]
  /** Copies of inputs that there are not. */
  readonly unfounded: readonly string[]
}

export const outputText = ({ transaction, of, n, input, copy }: Output): string =>
  [transaction, of, n, input, copy].join(' ')

export function outputOf(text: string): Output {
  const [transaction, of, n, input, copy] = text.split(' ')
  return { transaction: transaction!, of: Number(of), n: Number(n), input: input!, copy: Number(copy) }
}

/** `outputs`: all that readers of committed records see when everything is over. */
export function flawsOf(inputs: readonly string[], copies: number, outputs: readonly Output[]): Flaws {
  const wanted = new Set(inputs.flatMap(input => Array.from({ length: copies }, (_, copy) => copyName(input, copy))))
  const times = new Map<string, number>()
  const parts = new Map<string, { of: number; seen: Set<number> }>()
  for (const { transaction, of, n, input, copy } of outputs) {
    const name = copyName(input, copy)
    times.set(name, (times.get(name) ?? 0) + 1)
    const part = parts.get(transaction) ?? { of, seen: new Set() }
    parts.set(transaction, part)
    part.seen.add(n)
  }
  return {
    missing: [...wanted].filter(name => !times.has(name)),
    doubled: [...times].filter(([, count]) => count > 1).map(([name]) => name),
    torn: [...parts].filter(([, { of, seen }]) => seen.size < of).map(([transaction]) => transaction),
    unfounded: [...times.keys()].filter(name => !wanted.has(name)),
  }
}

const copyName = (input: string, copy: number) => `${input}/${copy}`
