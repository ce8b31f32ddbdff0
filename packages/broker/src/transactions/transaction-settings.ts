/** Read anew each time, since some of them change while the broker runs. */
export interface TransactionSettings {
  /** The longest timeout a producer may ask for. */
  readonly maxTimeoutMs: number
  /** Time between two looks for transactions that take too long. */
  readonly timeoutCheckMs: number
  /** How long a transactional id is remembered that nobody uses. */
  readonly idExpirationMs: number
  /** Time between two looks for such ids. */
  readonly idExpirationCheckMs: number
  /** Whether a batch of an older client is only taken when the coordinator knows the transaction is open. */
  readonly verifiesPartitions: boolean
  /** The largest batch that the log of transactions takes; all partitions of a transaction stand in one record. */
  readonly maxRecordBytes: number
}
