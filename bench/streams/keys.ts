/** In which order keys are asked for: the same for everybody, and no order that a store could like. */

/** The bits of a number, mixed: of consecutive numbers nobody would think so. */
function mixed(i: number): number {
  let bits = Math.imul(i ^ (i >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

const share = (i: number): number => mixed(i + 1) / 2 ** 32

export const orders = {
  /** All alike. */
  'at random': (i: number, keys: number): number => Math.floor(share(i) * keys),
  /** The n-th is asked for 1/n as often as the first; neighbours in rank are no neighbours in the store. */
  'by Zipf': (i: number, keys: number): number => mixed(Math.floor(keys ** share(i))) % keys,
} as const satisfies Record<string, (i: number, keys: number) => number>

export type Order = keyof typeof orders
