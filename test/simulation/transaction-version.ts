/** Clients that know the transactions of KIP-890, or only those of before: they are told what the broker offers, and told less here. */
import { BrokerConnection } from '../../packages/client/src/cluster/connection.ts'

export function speakTransactions(version: 1 | 2): Disposable {
  const { featureLevel } = BrokerConnection.prototype
  if (version === 1) BrokerConnection.prototype.featureLevel = () => 0
  return {
    [Symbol.dispose]: () => {
      BrokerConnection.prototype.featureLevel = featureLevel
    },
  }
}
