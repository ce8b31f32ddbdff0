/**
 * Where a stretch of damaged records ends, found by asking for single offsets: the protocol has no field that tells it.
 *
 *     ×  ×     ×           ×                    ✓        ever further, until something can be read
 *                          ├────?────┤  ├─?─┤            then halves
 *
 * Some forty questions for any length. Readable records that lie between damaged ones near each other may be passed by.
 */
export async function damageEnd(from: number, isReadable: (offset: number) => Promise<boolean>): Promise<number> {
  let damaged = from
  let step = 1
  while (!(await isReadable(damaged + step))) {
    damaged += step
    step *= 2
  }
  let readable = damaged + step
  while (readable - damaged > 1) {
    const middle = damaged + Math.floor((readable - damaged) / 2)
    if (await isReadable(middle)) readable = middle
    else damaged = middle
  }
  return readable
}
