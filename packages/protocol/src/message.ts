import { compileDecoder, compileEncoder } from './compile.ts'
import { DecodeError, KafkaError, UsageError } from './errors.ts'
import { misfit } from './misfit.ts'
import { Reader } from './reader.ts'
import type { Decoded, Encodable, Fields } from './schema.ts'
import { Writer } from './writer.ts'

/**
 * One message in all its versions: a table, and the code compiled from it for each version that has been used.
 * Nothing is compiled until a version is first encoded or decoded, so loading a table costs next to nothing.
 */
export class Message<F extends Fields> {
  readonly name: string
  readonly fields: F
  readonly flexibleFrom: number
  readonly versions: readonly [min: number, max: number]
  readonly #encoders: ((writer: Writer, value: unknown) => void)[] = []
  readonly #decoders: ((reader: Reader) => unknown)[] = []
  readonly #tracers: ((reader: Reader, path: (string | number)[]) => unknown)[] = []

  constructor(name: string, versions: readonly [number, number], flexibleFrom: number, fields: F) {
    this.name = name
    this.versions = versions
    this.flexibleFrom = flexibleFrom
    this.fields = fields
  }

  isFlexible(version: number): boolean {
    return version >= this.flexibleFrom
  }

  write(writer: Writer, version: number, value: Encodable<F>): void {
    const encoder = this.#encoders[version] ?? this.#encoder(version)
    try {
      encoder(writer, value)
    } catch (error) {
      const reason = misfit(this.fields, version, value) ?? (error instanceof Error ? error.message : String(error))
      throw new UsageError(`${this.name} v${version} cannot be encoded: ${reason}`, { cause: error })
    }
  }

  read(reader: Reader, version: number): Decoded<F> {
    const decoder = this.#decoders[version] ?? this.#decoder(version)
    const start = reader.at
    try {
      return decoder(reader) as Decoded<F>
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      throw this.#explained(error, reader, start, version)
    }
  }

  #encoder(version: number): (writer: Writer, value: unknown) => void {
    if (!this.#has(version)) throw new UsageError(`${this.name} has no version ${version}; ${this.#range()}`)
    return (this.#encoders[version] = compileEncoder(this, version))
  }

  #decoder(version: number): (reader: Reader) => unknown {
    if (!this.#has(version)) throw new DecodeError(`no such version; ${this.#range()}`, { message: this.name, version })
    return (this.#decoders[version] = compileDecoder(this, version, false))
  }

  #has(version: number): boolean {
    return Number.isInteger(version) && version >= this.versions[0] && version <= this.versions[1]
  }

  #range(): string {
    return `versions ${this.versions[0]} to ${this.versions[1]} are known`
  }

  /** Decodes once more, slowly, to say in which field it went wrong. */
  #explained(error: DecodeError, reader: Reader, start: number, version: number): DecodeError {
    const path: (string | number)[] = []
    const tracer = (this.#tracers[version] ??= compileDecoder(this, version, true))
    try {
      tracer(new Reader(reader.bytes, start, reader.end, reader.growth), path)
    } catch (again) {
      if (!(again instanceof KafkaError)) throw again
    }
    return new DecodeError(error.reason, {
      message: this.name,
      version,
      path: pathText(path),
      position: error.position,
    })
  }
}

/** topics[0].partitions[3].index */
function pathText(path: readonly (string | number)[]): string {
  return path
    .map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}

/** A message that is neither request nor response: what clients or coordinators put inside byte fields and records. */
export function data<F extends Fields>(table: {
  name: string
  versions: readonly [min: number, max: number]
  flexible: number
  fields: F
}): Message<F> {
  return new Message(table.name, table.versions, table.flexible, table.fields)
}

/** Version (int16), then the fields: the form in which such messages are stored. The result is the caller's to keep. */
export function encodeVersioned<F extends Fields>(
  message: Message<F>,
  version: number,
  value: Encodable<F>,
): Uint8Array {
  const writer = new Writer()
  writer.int16(version)
  message.write(writer, version, value)
  const bytes = new Uint8Array(writer.size)
  let at = 0
  for (const chunk of writer.finish()) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

export interface Versioned<F extends Fields> {
  readonly version: number
  readonly value: Decoded<F>
}

/** `readAs` says by which version to read a stored one. */
export function decodeVersioned<F extends Fields>(
  message: Message<F>,
  bytes: Uint8Array,
  readAs: (version: number) => number = version => version,
): Versioned<F> {
  const reader = new Reader(bytes)
  if (reader.remaining < 2) throw new DecodeError('there is no version', { message: message.name, position: 0 })
  const version = reader.int16()
  return { version, value: message.read(reader, readAs(version)) }
}
