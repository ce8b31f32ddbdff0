import { api } from '../api.ts'
import {
  array,
  bigint64,
  int8,
  int16,
  int32,
  int64,
  noId,
  nullable,
  preset,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
} from '../schema.ts'

/** The one 64-bit integer but producer ids that is beyond 2^53: the largest there is. */
const unknownHighWatermark = 0x7fff_ffff_ffff_ffffn

/** Which replica asks, and in which of its lives (KIP-903). */
const replica = { replicaId: preset(int32, -1), replicaEpoch: preset(int64, -1) }
const noReplica = { replicaId: -1, replicaEpoch: -1 }

/** Where the log of whoever asks parts from the leader's (KIP-595). */
const divergence = { epoch: preset(int32, -1), endOffset: preset(int64, -1) }
const noDivergence = { epoch: -1, endOffset: -1 }

/** For replicas of the metadata quorum: begin with this snapshot (KIP-630). */
const snapshot = { endOffset: preset(int64, -1), epoch: preset(int32, -1) }
const noSnapshot = { endOffset: -1, epoch: -1 }

/** Answered with NOT_LEADER_OR_FOLLOWER: who leads instead (KIP-951). */
const leader = { leaderId: preset(int32, -1), leaderEpoch: preset(int32, -1) }
const noLeader = { leaderId: -1, leaderEpoch: -1 }

/** Where the leaders named in such answers listen. */
const nodeEndpoint = { nodeId: int32, host: string, port: int32, rack: preset(nullable(string), null) }

/** Reads record batches from partitions, waiting up to maxWaitMs for minBytes. Consumers and following replicas use the same API. */
export const Fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexible: 12,
  request: {
    clusterId: tagged(0, since(12, nullable(string), null)), // for replicas of the metadata quorum, KIP-595
    replicaId: until(14, int32, -1), // -1 for consumers
    replicaState: tagged(1, since(15, struct(replica), noReplica)), // KIP-903
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: preset(int32, 0x7fff_ffff), // KIP-74
    isolationLevel: preset(int8, 0), // 0 read_uncommitted, 1 read_committed, KIP-98
    sessionId: since(7, int32, 0), // fetch sessions, KIP-227
    sessionEpoch: since(7, int32, -1), // -1: no session, 0: begin one
    topics: array({
      topic: until(12, string, ''),
      topicId: since(13, uuid, noId), // KIP-516
      partitions: array({
        partition: int32,
        currentLeaderEpoch: since(9, int32, -1), // fences stale leaders and clients, KIP-320
        fetchOffset: int64,
        lastFetchedEpoch: since(12, int32, -1), // lets the leader detect divergence, KIP-595
        logStartOffset: since(5, int64, -1), // set by followers only
        partitionMaxBytes: int32,
        replicaDirectoryId: tagged(0, since(17, uuid, noId)), // KIP-853
        highWatermark: tagged(1, since(18, bigint64, unknownHighWatermark)), // what the follower knows, KIP-1166
      }),
    }),
    // leaves the session, KIP-227
    forgottenTopicsData: since(
      7,
      array({
        topic: until(12, string, ''),
        topicId: since(13, uuid, noId),
        partitions: array(int32),
      }),
      [],
    ),
    rackId: since(11, string, ''), // the consumer may be sent to a nearer replica, KIP-392
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: since(7, int16, 0),
    sessionId: since(7, int32, 0),
    responses: array({
      topic: until(12, string, ''),
      topicId: since(13, uuid, noId), // KIP-516
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: preset(int64, -1), // nothing at or past it belongs to a decided transaction
        logStartOffset: since(5, int64, -1),
        divergingEpoch: tagged(0, since(12, struct(divergence), noDivergence)), // KIP-595
        currentLeader: tagged(1, since(12, struct(leader), noLeader)), // KIP-951
        snapshotId: tagged(2, since(12, struct(snapshot), noSnapshot)), // KIP-630
        // null for read_uncommitted
        abortedTransactions: nullable(array({ producerId: bigint64, firstOffset: int64 })),
        preferredReadReplica: since(11, int32, -1), // -1: stay here, KIP-392
        records: nullable(records),
      }),
    }),
    nodeEndpoints: tagged(0, since(16, array(nodeEndpoint), [])), // KIP-951
  },
})
