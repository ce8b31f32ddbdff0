/** A line of what a file says: names in the order in which they are shown; bigints as text. */
export type DumpRow = Readonly<Record<string, DumpCell>>
export type DumpCell =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly DumpCell[]
  | { readonly [name: string]: DumpCell }
