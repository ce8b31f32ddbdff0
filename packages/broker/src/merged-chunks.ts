/** Handing a chunk to a socket costs about as much as copying so many bytes. */
const smallBytes = 2048

/** The same bytes in fewer chunks: neighbours that are small are copied together, large ones stay as they are. */
export function mergedChunks(chunks: Uint8Array[]): Uint8Array[] {
  if (chunks.length < 4) return chunks
  const merged: Uint8Array[] = []
  let from = 0
  let bytes = 0
  for (let i = 0; i <= chunks.length; i++) {
    const chunk = chunks[i]
    if (chunk !== undefined && chunk.length < smallBytes) {
      bytes += chunk.length
      continue
    }
    if (i - from === 1) merged.push(chunks[from]!)
    else if (i > from) merged.push(joined(chunks, from, i, bytes))
    if (chunk !== undefined) merged.push(chunk)
    from = i + 1
    bytes = 0
  }
  return merged
}

function joined(chunks: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  const whole = Buffer.allocUnsafe(bytes)
  let at = 0
  for (let i = from; i < to; i++) {
    whole.set(chunks[i]!, at)
    at += chunks[i]!.length
  }
  return whole
}
