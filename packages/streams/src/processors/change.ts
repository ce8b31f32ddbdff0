/** What a table passes on: the value before and after. Null: the key was not there, or is no more. */
export interface Change<V> {
  readonly oldValue: V | null
  readonly newValue: V | null
}
