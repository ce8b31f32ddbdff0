/** Looking at, mending, backing up and restoring data folders; offline, or beside a running broker. */

export { readScrubPass, type ScrubPass } from '../damage/scrub-file.ts'
export { type BackupOptions, type BackupReport, backUpFolder } from './backup.ts'
export { type BackupManifest, type BackupPartition, readManifest } from './backup-manifest.ts'
export { batchRow, type DumpedBatch, type DumpedPiece, dumpFile, dumpSegments, isSegment } from './dump.ts'
export type { DumpRow } from './dump-row.ts'
export { type Finding, type FindingCode, findingKinds, type Severity, severityOf } from './finding.ts'
export { folderKind } from './partition-names.ts'
export { type RepairOptions, type RepairReport, repairFolder } from './repair.ts'
export { type RestoreOptions, restoreFolder } from './restore.ts'
export { type VerifyOptions, type VerifyReport, verifyFolder } from './verify.ts'
export { verifyBackup } from './verify-backup.ts'
