/** A group of the consumer protocol with one member, as a scripted coordinator: assigns everything, remembers what it heard. */
import { ConsumerGroupHeartbeat, ErrorCodes, type Request, type ResponseInput } from '@odradek/protocol'
import type { ScriptedCluster } from './scripted-broker.ts'

type Heartbeat = Request<typeof ConsumerGroupHeartbeat>
type Answer = ResponseInput<typeof ConsumerGroupHeartbeat>

export class EpochGroup {
  readonly heard: Heartbeat[] = []
  epoch = 0
  /** Numbers of the partitions of topic 't' that the member should have. */
  target: number[]
  readonly #cluster: ScriptedCluster
  #told: string | undefined

  constructor(cluster: ScriptedCluster, target: number[] = [0], versions: [number, number] = [0, 1]) {
    this.#cluster = cluster
    this.target = target
    for (const node of cluster.nodes) node.offers(ConsumerGroupHeartbeat, ...versions)
    cluster.on(ConsumerGroupHeartbeat, request => this.answer(request))
  }

  /** The epochs that heartbeats came with: 0 joins, below 0 leaves. */
  get epochs(): number[] {
    return this.heard.map(({ memberEpoch }) => memberEpoch)
  }

  /** A new assignment, and with it a new epoch. */
  assign(...target: number[]): void {
    this.target = target
    this.epoch++
  }

  answer(request: Heartbeat): Answer {
    this.heard.push(request)
    if (request.memberEpoch < 0) return { errorCode: 0, memberEpoch: request.memberEpoch, heartbeatIntervalMs: 0 }
    if (request.memberEpoch === 0) {
      this.epoch++
      this.#told = undefined
    }
    const { topicId } = this.#cluster.topics.get('t')!
    const news = this.target.join()
    const assignment = news === this.#told ? null : { topicPartitions: [{ topicId, partitions: this.target }] }
    this.#told = news
    const { memberId } = request
    return { errorCode: 0, memberId, memberEpoch: this.epoch, heartbeatIntervalMs: 1_000, assignment }
  }

  /** The next heartbeat is refused. */
  refuseOnce(errorCode: number): void {
    this.#cluster.once(ConsumerGroupHeartbeat, request => {
      this.heard.push(request)
      return { errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 }
    })
  }

  fenceOnce(): void {
    this.refuseOnce(ErrorCodes.FENCED_MEMBER_EPOCH)
  }
}
