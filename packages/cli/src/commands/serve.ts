/** A broker as a service: one line when it is ready, a clean end at SIGTERM. */
import { type Command, command } from '../command.ts'
import { brokerFlags, startBroker } from '../start-broker.ts'
import { untilAborted } from '../until-aborted.ts'

export const serve: Command<typeof brokerFlags> = command({
  name: 'serve',
  summary: 'A broker in the foreground. Prints `odradek ready on HOST:PORT` when it is; SIGTERM ends it cleanly.',
  flags: brokerFlags,
  examples: [
    'odradek serve --listen 127.0.0.1:9092 --data ./data',
    'odradek serve --listen 127.0.0.1:0 --memory --nodes 3 -c num.partitions=4',
  ],
  async run({ flags, signal }) {
    const broker = await startBroker(flags)
    process.stdout.write(`odradek ready on ${broker.bootstrap}\n`)
    await untilAborted(signal)
    await broker.close({ drain: true })
    return 0
  },
})
