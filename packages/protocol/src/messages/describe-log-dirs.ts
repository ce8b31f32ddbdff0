import { api } from '../api.ts'
import { array, bool, int16, int32, int64, nullable, preset, since, string } from '../schema.ts'

/** Log directories of a broker, and how much of them each partition takes. */
export const DescribeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 4],
  flexible: 2,
  request: {
    topics: nullable(array({ topic: string, partitions: array(int32) })),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: since(3, int16, 0),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          partitionSize: int64,
          offsetLag: int64,
          isFutureKey: bool,
        }),
      }),
      totalBytes: since(4, int64, -1), // KIP-827
      usableBytes: since(4, int64, -1),
    }),
  },
})
