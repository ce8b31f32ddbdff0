import type { Arrow, Box, Drawing } from './drawing.ts'

/** A graph in Graphviz's language. */
export function dotOf({ groups, topics, arrows }: Drawing): string {
  const lines = [
    'digraph topology {',
    '  node [fontname="Helvetica"]',
    ...groups.flatMap(({ title, boxes }, i) => [
      `  subgraph cluster_${i} {`,
      `    label=${quoted(title)}`,
      ...boxes.map(box => `    ${boxText(box)}`),
      '  }',
    ]),
    ...topics.map(topic => `  ${boxText(topic)}`),
    ...arrows.map(arrowText),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

const shapes: Record<Box['shape'], string> = {
  source: 'invhouse',
  processor: 'box',
  sink: 'house',
  store: 'cylinder',
  topic: 'cds',
}

const boxText = ({ id, label, shape }: Box): string => `${id} [label=${quoted(label)} shape=${shapes[shape]}]`

const arrowText = ({ from, to, kind }: Arrow): string =>
  `  ${from} -> ${to}${kind === 'uses' ? ' [dir=none style=dashed]' : ''}`

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
