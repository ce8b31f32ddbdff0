/** Everything one can ask of a cluster, or tell it, apart from records. One object for each kind of thing. */
import type { Cluster } from '../cluster/cluster.ts'
import { ClusterAdmin } from './cluster-admin.ts'
import { ConfigsAdmin } from './configs.ts'
import { GroupsAdmin } from './groups.ts'
import { TopicsAdmin } from './topics.ts'
import { TransactionsAdmin } from './transactions.ts'

export class Admin implements AsyncDisposable {
  readonly cluster: ClusterAdmin
  readonly configs: ConfigsAdmin
  readonly groups: GroupsAdmin
  readonly topics: TopicsAdmin
  readonly transactions: TransactionsAdmin

  constructor(cluster: Cluster) {
    this.cluster = new ClusterAdmin(cluster)
    this.configs = new ConfigsAdmin(cluster)
    this.groups = new GroupsAdmin(cluster)
    this.topics = new TopicsAdmin(cluster)
    this.transactions = new TransactionsAdmin(cluster, this.cluster)
  }

  /** Nothing is held: the connections are the Kafka handle's. */
  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
