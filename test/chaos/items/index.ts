/** The chaos list, by id. Numbers are those of the reliability list that the issue refers to. */
import type { ChaosItem } from '../item.ts'
import { killNine } from './r01-kill-nine.ts'
import { formatGoldens } from './r21-format-goldens.ts'

export const items: readonly ChaosItem[] = [killNine, formatGoldens]
