export { embeddedTransactions } from './embedded-transactions.ts'
export type { Reply, Transactions } from './transactions.ts'
