/**
 * All crashes of one history: at each sync, right before and after it is done, whatever becomes of what is pending; and at a third of
 * all other moments.
 */
import { SeededRandom } from '@odradek/world'
import { CrashImages, type Fate, fates } from './crash-images.ts'
import type { JournalEntry } from './disk-journal.ts'
import type { Note } from './engine-history.ts'
import { type Finding, Promises } from './image-check.ts'

export interface Found {
  readonly finding: Finding
  readonly what: string
}

/** How many there were. `report` is called for each, mostly with nothing. */
export async function crashAll(
  journal: readonly JournalEntry<Note>[],
  seed: number,
  report: (found: readonly Found[]) => void,
): Promise<{ images: number; syncs: number }> {
  const random = new SeededRandom(seed)
  const images = new CrashImages(journal)
  const promises = new Promises(journal)
  const count = { images: 0, syncs: 0 }
  const crash = async (at: number, fate: Fate) => {
    images.advance(at)
    promises.advance(at)
    const found = await promises.check(await images.image(fate, random))
    report(found.map(({ finding, what }) => ({ finding, what: `entry ${at}, ${fate}: ${what}` })))
    count.images++
  }
  for (const [at, { kind }] of journal.entries()) {
    if (kind === 'synced' || kind === 'names-synced') {
      count.syncs++
      for (const fate of fates) await crash(at, fate)
      await crash(at + 1, 'lost')
    } else if (random.int(3) === 0) await crash(at, fates[random.int(fates.length)]!)
  }
  return count
}
