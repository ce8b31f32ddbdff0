/**
 * One item of the chaos list: what is done to the broker, what is measured, and the figure each measurement must reach. The bars are
 * data, so that the table can show a figure beside the one it is held against.
 */
import type { Chaos } from './chaos.ts'

export interface ChaosItem<Name extends string = string> {
  readonly id: string
  readonly what: string
  readonly bars: Readonly<Record<Name, Bar>>
  /** Throws when something happens that no figure describes. */
  run(chaos: Chaos): Promise<Readonly<Record<NoInfer<Name>, Measured>> | Skipped>
}

/** `detail` is for the reader and not judged. */
export type Measured = number | { readonly value: number; readonly detail: string } | Skipped

export interface Bar {
  readonly what: string
  readonly is: '≤' | '≥' | '='
  readonly figure: number
  readonly unit?: string
}

/** Could not be measured here: no such program, no such permission. */
export interface Skipped {
  readonly skipped: string
}

export const atMost = (figure: number, what: string, unit = ''): Bar => ({ what, is: '≤', figure, unit })
export const atLeast = (figure: number, what: string, unit = ''): Bar => ({ what, is: '≥', figure, unit })
export const exactly = (figure: number, what: string, unit = ''): Bar => ({ what, is: '=', figure, unit })
/** Nothing of the kind may happen. */
export const none = (what: string): Bar => exactly(0, what)

/** Keeps the names of the bars, so that a measurement cannot be forgotten. */
export const item = <Name extends string>(definition: ChaosItem<Name>): ChaosItem<Name> => definition
