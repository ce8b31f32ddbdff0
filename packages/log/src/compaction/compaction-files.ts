/**
 * Names of what compaction leaves in a partition's folder for a while:
 *
 *     00000000000000000000.log.cleaned                        being written: of no use after a crash
 *     00000000000000000000-00000000000000001207.swap          whole: takes the place of all segments from the first offset up to the second
 *     cleaned-offset                                          before which offset everything is clean
 */
import { segmentName } from '../folder/file-names.ts'

export const cleanedOffsetName = 'cleaned-offset'

export interface OffsetRange {
  readonly baseOffset: number
  readonly nextOffset: number
}

export const cleanedName = (baseOffset: number): string => `${segmentName(baseOffset)}.cleaned`

export const swapName = ({ baseOffset, nextOffset }: OffsetRange): string =>
  `${digits(baseOffset)}-${digits(nextOffset)}.swap`

/** What a swap file replaces; undefined for every other name. */
export function swapRange(name: string): OffsetRange | undefined {
  const found = /^(\d{20})-(\d{20})\.swap$/.exec(name)
  return found === null ? undefined : { baseOffset: Number(found[1]), nextOffset: Number(found[2]) }
}

const digits = (offset: number): string => segmentName(offset).slice(0, 20)
