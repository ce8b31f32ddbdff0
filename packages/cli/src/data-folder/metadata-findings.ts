/** What is wrong with what the cluster knows of itself: its two copies, looked at as a start of a broker does. */
import { type DatabaseAtRest, examineDatabase, metadataDatabaseName, metadataLogName } from '@odradek/broker/metadata'
import type { Finding } from '@odradek/log/tools'
import { realDisk } from '@odradek/world'
import type { DataFolder } from './data-folder.ts'

export async function metadataFindings({ path, isLive, metadata }: DataFolder): Promise<Finding[]> {
  const { state, badLines } = metadata
  const ofLog: Finding[] =
    state === 'damaged'
      ? [
          {
            file: metadataLogName,
            code: 'metadata-damaged',
            problem: `${badLines} of its lines are not what was written`,
          },
        ]
      : []
  if (isLive) return [...ofLog, unseen('a broker holds it: it was not looked at')]
  const database = await examineDatabase(realDisk, path)
  if (database.state === 'unfinished')
    return [...ofLog, unseen('a change was on its way when the broker ended: it was not looked at')]
  return [...ofLog, ...ofDatabase(database, state)]
}

const unseen = (problem: string): Finding => ({ file: metadataDatabaseName, code: 'metadata-unseen', problem })

function ofDatabase(database: DatabaseAtRest, log: string): Finding[] {
  const { state, remarks, salvage } = database
  const isLogUsable = log === 'whole' || log === 'torn'
  // A folder that was restored has none yet.
  if (state === 'missing' && isLogUsable) return []
  const problem = [...remarks, ...(salvage === undefined ? [] : [salvageText(salvage)])].join('; ')
  if (state === 'damaged' || salvage !== undefined || log === 'newer')
    return [{ file: metadataDatabaseName, code: 'metadata-damaged', problem }]
  return remarks.length > 0 && log !== 'damaged' ? [{ file: metadataLogName, code: 'metadata-behind', problem }] : []
}

function salvageText({ topics, withoutSettings }: NonNullable<DatabaseAtRest['salvage']>): string {
  const known = topics.length === 0 ? 'no topic' : `the topics ${topics.join(', ')}`
  const lost = withoutSettings.length === 0 ? '' : `, ${withoutSettings.join(', ')} without their settings`
  return `no copy is whole: a start would know ${known}${lost}`
}
