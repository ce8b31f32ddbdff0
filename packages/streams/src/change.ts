/**
 * What a table passes on: the value before and after. Null: the key was not there, or is no more. The old value is null, too, where
 * nobody below needs it (`sendOldValues`).
 */
export interface Change<V> {
  readonly newValue: V | null
  readonly oldValue: V | null
  /** False: a versioned table was given something older than its latest version (KIP-914). Joins and groupings pass over it. */
  readonly isLatest: boolean
}

export const changeOf = <V>(newValue: V | null, oldValue: V | null, isLatest = true): Change<V> => ({
  newValue,
  oldValue,
  isLatest,
})
