import { once } from 'node:events'
import { toJsonLine } from './record-json.ts'
import { compileTemplate, type PrintableRecord } from './record-template.ts'
import { outputFormat } from './rows.ts'
import { renderYaml } from './yaml.ts'

/** Prints records as they come; `flush` waits for a reader that is slower, `end` closes what the format opened. */
export interface RecordPrinter {
  (record: PrintableRecord): void
  flush(): Promise<void>
  end(): Promise<void>
}

export function recordPrinter(template: string | undefined, output: string | undefined): RecordPrinter {
  const format = outputFormat(output)
  const text = compileTemplate(template ?? '%v\\n')
  let pending: (string | Uint8Array)[] = []
  let count = 0
  const render = (record: PrintableRecord): string | Uint8Array => {
    if (template !== undefined || format === 'table') return text(record)
    if (format === 'ndjson') return toJsonLine(record)
    if (format === 'yaml') return renderYaml([JSON.parse(toJsonLine(record))])
    return `${count === 0 ? '[' : ','}\n${toJsonLine(record).trimEnd()}`
  }
  const flush = async () => {
    const chunks = pending.map(chunk => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    pending = []
    if (chunks.length > 0 && !process.stdout.write(Buffer.concat(chunks))) await once(process.stdout, 'drain')
  }
  const print = (record: PrintableRecord) => {
    pending.push(render(record))
    count++
  }
  const end = () => {
    if (format === 'json' && template === undefined) pending.push(count === 0 ? '[]\n' : '\n]\n')
    return flush()
  }
  return Object.assign(print, { flush, end })
}
