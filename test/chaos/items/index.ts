/** The chaos list, by id. Numbers are those of the reliability list that the issue refers to. */
import type { ChaosItem } from '../item.ts'
import { killNine } from './r01-kill-nine.ts'
import { crashImages } from './r02-crash-images.ts'
import { tornTail } from './r03-torn-tail.ts'
import { rottenBits } from './r04-bit-rot.ts'
import { fullDisk } from './r05-full-disk.ts'
import { failedSync } from './r06-failed-sync.ts'
import { clockJumps } from './r07-clock-jumps.ts'
import { stoppedProcesses } from './r08-stopped-processes.ts'
import { badNetwork } from './r09-bad-network.ts'
import { transactions } from './r10-transactions.ts'
import { groupChurn } from './r11-group-churn.ts'
import { killedCompaction } from './r12-killed-compaction.ts'
import { manyIdle } from './r17-many-idle.ts'
import { soak } from './r18-soak.ts'
import { endUnderLoad } from './r19-end-under-load.ts'
import { simulation } from './r20-simulation.ts'
import { formatGoldens } from './r21-format-goldens.ts'

export const items: readonly ChaosItem[] = [
  killNine,
  crashImages,
  tornTail,
  rottenBits,
  fullDisk,
  failedSync,
  clockJumps,
  stoppedProcesses,
  badNetwork,
  transactions,
  groupChurn,
  killedCompaction,
  manyIdle,
  soak,
  endUnderLoad,
  simulation,
  formatGoldens,
]
