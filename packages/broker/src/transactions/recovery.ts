/**
 * What the partitions say about transactions, laid beside what the coordinator's log says. The coordinator answers a producer before all
 * of its own records are durable, where the partitions say the same (docs/decisions/0016); after a crash this finds it out.
 *
 *     open in a partition, and its epoch is …                     then
 *     of a transaction whose end is decided                       its marker was lost: it is written again
 *     of the next transaction, which the log does not know yet    the record that it joined was lost: it joins now
 *     anything else                                               it hangs: named, and left to an operator
 */
import { isEnding, type Transaction } from './transaction.ts'
import { contains, type NamedPartition, type TransactionPartitions } from './transaction-partitions.ts'

/** A transaction that is open in a partition. */
export interface OpenTransaction extends NamedPartition {
  readonly producerId: bigint
  readonly epoch: number
  /** Its first offset. */
  readonly startOffset: number
}

export interface Findings {
  /** By transactional id: partitions that have not the marker of an end that is decided. */
  readonly unmarked: ReadonlyMap<string, readonly NamedPartition[]>
  /** By transactional id: partitions that are to join its transaction. */
  readonly joining: ReadonlyMap<string, readonly NamedPartition[]>
  readonly hanging: readonly OpenTransaction[]
}

export function sortedOut(transactions: Iterable<Transaction>, open: readonly OpenTransaction[]): Findings {
  const byProducer = new Map<bigint, Transaction>()
  for (const transaction of transactions) byProducer.set(transaction.producerId, transaction)
  const [unmarked, joining] = [new Map<string, NamedPartition[]>(), new Map<string, NamedPartition[]>()]
  const hanging: OpenTransaction[] = []
  for (const each of open) {
    const transaction = byProducer.get(each.producerId)
    const what = transaction === undefined ? 'hanging' : judged(each, transaction)
    if (what === 'hanging') hanging.push(each)
    else if (what === 'unmarked') put(unmarked, transaction!.id, each)
    else if (what === 'joining') put(joining, transaction!.id, each)
  }
  return { unmarked, joining, hanging }
}

function judged(open: OpenTransaction, transaction: Transaction): 'known' | 'unmarked' | 'joining' | 'hanging' {
  const ended = endedPartitions(transaction)
  if (ended !== undefined && contains(ended, open) && belongsToEnd(open, transaction)) return 'unmarked'
  if (open.epoch !== transaction.epoch) return 'hanging'
  if (transaction.state === 'Ongoing' && contains(transaction.partitions, open)) return 'known'
  return mayJoin(transaction) ? 'joining' : 'hanging'
}

/** The partitions of an end that is decided, and not known to be written everywhere. */
export const endedPartitions = (transaction: Transaction): TransactionPartitions | undefined =>
  isEnding(transaction) ? transaction.partitions : transaction.earlier?.partitions

/** Where the epoch rises at an end, batches of the epoch after it are of the next transaction. */
const belongsToEnd = ({ epoch }: OpenTransaction, { epoch: markerEpoch, clientVersion }: Transaction): boolean =>
  clientVersion >= 2 ? epoch < markerEpoch : epoch <= markerEpoch

/** Whether an epoch is of one transaction alone, so that whatever is open under it belongs to the present one. */
const mayJoin = ({ state, clientVersion }: Transaction): boolean => state === 'Empty' || clientVersion >= 2

function put(map: Map<string, NamedPartition[]>, id: string, { topic, index }: NamedPartition): void {
  const list = map.get(id)
  if (list) list.push({ topic, index })
  else map.set(id, [{ topic, index }])
}
