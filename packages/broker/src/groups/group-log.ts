import { CoordinatorLog, type CoordinatorLogOptions } from '../coordinator-log/coordinator-log.ts'
import { classicPart } from './classic/classic-records.ts'
import { consumerPart } from './consumer/consumer-part.ts'
import { GroupImage } from './group-image.ts'
import { type AnyPart, type GroupRecord, type GroupRecordPart, groupRecords, type PartImage } from './group-records.ts'
import { offsetPart } from './offset-records.ts'
import { sharePart } from './share/share-records.ts'
import { streamsPart } from './streams/streams-part.ts'

/** `__consumer_offsets`: groups of all kinds and committed offsets. */
export type GroupLog = CoordinatorLog<GroupRecord, GroupImage>

/** Whose records there can be; each kind of group has a line. */
const parts: readonly AnyPart[] = [
  anyPart(offsetPart),
  anyPart(classicPart),
  anyPart(consumerPart),
  anyPart(sharePart),
  anyPart(streamsPart),
]

export function groupLog(o: Omit<CoordinatorLogOptions<GroupRecord, GroupImage>, 'kind' | 'freshImage'>): GroupLog {
  return new CoordinatorLog({ ...o, kind: groupRecords(parts), freshImage: () => new GroupImage(parts) })
}

/** A part only ever gets records of its own kind. */
function anyPart<R extends GroupRecord, I extends PartImage<R>>(part: GroupRecordPart<R, I>): AnyPart {
  return part as unknown as AnyPart
}
