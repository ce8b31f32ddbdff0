/** One item in this process: `run-item.ts R5 '{"seed":1,…}'`. The last line of its output is the rows of its table as JSON. */
import { Chaos, type ChaosOptions } from './chaos.ts'
import { items } from './items/index.ts'
import { broken, judge, type Row } from './report.ts'

const [id, options] = process.argv.slice(2)
const item = items.find(each => each.id === id)
if (!item || options === undefined) throw new Error(`there is no item ${id}`)

async function measure(): Promise<Row[]> {
  const chaos = new Chaos(JSON.parse(options!) as ChaosOptions)
  try {
    return judge(item!, await item!.run(chaos))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    return [broken(item!, error instanceof Error ? error.message.split('\n')[0]! : String(error))]
  } finally {
    await chaos[Symbol.asyncDispose]()
  }
}

// The process is killed once this line is read: nothing it has left open keeps anybody waiting.
process.stdout.write(`${JSON.stringify(await measure())}\n`)
