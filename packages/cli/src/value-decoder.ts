import { serde } from '@odradek/client'
import { UsageError } from '@odradek/protocol'

/** How a key or a value is shown when it is no text: `--value-as int64`. */
const decoders = { int32: serde.int32, int64: serde.int64, double: serde.double } as const
type Shown = keyof typeof decoders | 'text' | 'hex'

const names: readonly string[] = [...Object.keys(decoders), 'text', 'hex']

export function decoderFor(
  asked: string | undefined,
  flag: string,
): (bytes: Uint8Array | null, topic: string) => Uint8Array | null {
  const shown = asked ?? 'text'
  if (!names.includes(shown)) throw new UsageError(`${flag} ${asked} is none of ${names.join(', ')}.`)
  switch (shown as Shown) {
    case 'text':
      return bytes => bytes
    case 'hex':
      return bytes => bytes && Buffer.from(Buffer.from(bytes).toString('hex'))
    default: {
      const numeric = decoders[shown as keyof typeof decoders]
      return (bytes, topic) => bytes && Buffer.from(String(numeric.deserialize(bytes, { topic, part: 'value' })))
    }
  }
}
