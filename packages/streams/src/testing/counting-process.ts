/**
 * A process that runs an instance of the word count, for tests that kill it: `BROKERS`, `STATE_FOLDER`, `OPTIONS` (JSON), and what
 * the names of its topics begin with, `PREFIX`, in its environment.
 */
import { KafkaStreams } from '../index.ts'
import { wordCount } from './simulated-cluster.ts'

const { BROKERS, STATE_FOLDER, OPTIONS = '{}', PREFIX = '' } = process.env
const app = new KafkaStreams(
  wordCount(name => PREFIX + name),
  {
    applicationId: 'app',
    brokers: BROKERS!,
    stateFolder: STATE_FOLDER!,
    cacheMaxBytes: 0,
    ...JSON.parse(OPTIONS),
  },
)
app.onStateChange(state => process.send?.({ state, tasks: app.tasks().map(({ id }) => id) }))
await app.run()
