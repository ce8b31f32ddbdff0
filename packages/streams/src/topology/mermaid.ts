import type { Arrow, Box, Drawing } from './drawing.ts'

/** A flowchart in Mermaid's language. */
export function mermaidOf({ groups, topics, arrows }: Drawing): string {
  const lines = [
    'flowchart TD',
    ...groups.flatMap(({ title, boxes }, i) => [
      `  subgraph group${i}["${title}"]`,
      ...boxes.map(box => `    ${boxText(box)}`),
      '  end',
    ]),
    ...topics.map(topic => `  ${boxText(topic)}`),
    ...arrows.map(arrowText),
  ]
  return `${lines.join('\n')}\n`
}

const shapes: Record<Box['shape'], readonly [open: string, close: string]> = {
  source: ['([', '])'],
  processor: ['[', ']'],
  sink: ['([', '])'],
  store: ['[(', ')]'],
  topic: ['[/', '/]'],
}

function boxText({ id, label, shape }: Box): string {
  const [open, close] = shapes[shape]
  return `${id}${open}"${label.replaceAll('"', '#quot;')}"${close}`
}

const arrowText = ({ from, to, kind }: Arrow): string => `  ${from} ${kind === 'uses' ? '-.-' : '-->'} ${to}`
