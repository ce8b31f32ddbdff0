/**
 * Which version of each API to speak on one connection: the highest that both sides know (KIP-35). A broker tells its ranges in
 * ApiVersions. One that does not know our version of ApiVersions itself answers in version 0's form with UNSUPPORTED_VERSION
 * and, when it is recent enough, with the range it does know (KIP-511).
 */
import { type AnyApi, ApiVersions, decodeResponse, ErrorCodes, ProtocolError } from '@odradek/protocol'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export type VersionRanges = ReadonlyMap<number, VersionRange>

/** Levels in use in the whole cluster, by the name of the feature (KIP-584): `transaction.version`, `group.version`, … */
export type FeatureLevels = ReadonlyMap<string, number>

export type ApiVersionsAnswer =
  | { readonly kind: 'ranges'; readonly ranges: VersionRanges; readonly features: FeatureLevels }
  | { readonly kind: 'downgrade'; readonly to: number }
  | { readonly kind: 'refused'; readonly errorCode: number }

/** Reads the answer to an ApiVersions request of `version`; the error code is looked at before the form is trusted. */
export function readApiVersions(frame: Uint8Array, version: number): ApiVersionsAnswer {
  const errorCode = frame.length >= 6 ? new DataView(frame.buffer, frame.byteOffset).getInt16(4) : 0
  const unsupported = errorCode === ErrorCodes.UNSUPPORTED_VERSION
  const { value } = decodeResponse(ApiVersions, unsupported ? 0 : version, frame)
  const ranges = new Map(value.apiKeys.map(row => [row.apiKey, { min: row.minVersion, max: row.maxVersion }]))
  if (unsupported && version > 0) {
    const known = ranges.get(ApiVersions.key)?.max ?? 0
    return { kind: 'downgrade', to: Math.min(known, version - 1) }
  }
  if (errorCode !== 0) return { kind: 'refused', errorCode }
  const features = new Map(value.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
  return { kind: 'ranges', ranges, features }
}

/** The highest version of `api` that both sides speak, not above `cap`. Throws UNSUPPORTED_VERSION when there is none. */
export function commonVersion(ranges: VersionRanges, api: AnyApi, cap = Number.POSITIVE_INFINITY): number {
  const theirs = ranges.get(api.key)
  const [min, max] = api.versions
  const best = theirs ? Math.min(max, theirs.max, cap) : -1
  if (theirs && best >= Math.max(min, theirs.min)) return best
  const offered = theirs ? `versions ${theirs.min} to ${theirs.max}` : 'none'
  throw new ProtocolError(ErrorCodes.UNSUPPORTED_VERSION, {
    api: api.name,
    advice: `The broker does not speak ${api.name} as this client does: it offers ${offered}, this client needs ${min} to ${Math.min(max, cap)}.`,
  })
}
