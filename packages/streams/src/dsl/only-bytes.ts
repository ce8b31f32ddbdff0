import { type Serde, UsageError } from '@odradek/client'

/** Where no serde was given: bytes pass, anything else is told to get one. */
export const onlyBytes: Serde<any> = {
  name: 'bytes',
  serialize(value, { topic, part }) {
    if (value instanceof Uint8Array) return value
    const what = Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
    throw new UsageError(
      `a ${part} of topic '${topic}' is ${what} and no serde says how to write it: add one, as in { ${part}: serde.string }`,
    )
  },
  deserialize: bytes => bytes,
}
