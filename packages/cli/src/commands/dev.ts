/** The first thing to try: a broker in the foreground that says what to do with it. */
import { type Command, command } from '../command.ts'
import { brokerFlags, startBroker } from '../start-broker.ts'
import { untilAborted } from '../until-aborted.ts'

export const dev: Command<typeof brokerFlags> = command({
  name: 'dev',
  summary:
    'Everything on one machine, in the foreground, ready to try. Records are kept in memory unless --data says where.',
  flags: brokerFlags,
  examples: ['odradek dev', 'odradek dev --data ./odradek-data'],
  async run({ flags, signal }) {
    const broker = await startBroker({ ...flags, memory: flags.memory ?? flags.data === undefined })
    const kept =
      flags.data === undefined ? 'data in memory (use --data ./odradek-data to keep it)' : `data in ${flags.data}`
    const to = broker.bootstrap === '127.0.0.1:9092' ? '' : ` -b ${broker.bootstrap.split(',')[0]}`
    process.stdout.write(
      [
        `  broker   ${broker.bootstrap}        ${kept}`,
        '',
        '  try, in another terminal:',
        `    npx odradek produce orders${to} -k o1 '{"id":"o1","total":9}'`,
        `    npx odradek consume orders${to} --from start -f '%p/%o %k %v\\n'`,
        `    npx odradek demo word-count${to}`,
        `    kcat -b ${broker.bootstrap.split(',')[0]} -L`,
        '',
        '  Ctrl-C ends it.',
        '',
      ].join('\n'),
    )
    await untilAborted(signal)
    await broker.close({ drain: true })
    return 0
  },
})
