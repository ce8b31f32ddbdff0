import { styleText } from 'node:util'

/** What the live count shows at one moment. */
export interface CountState {
  title: string
  publishedLines: number
  totalLines: number
  countedWords: number
  distinctWords: number
  /** Records through the count in the last second. */
  wordsPerSecond: number
  top: readonly (readonly [string, number])[]
}

/** The state as lines of text, at most `width` columns wide. Pure: the screen decides where they go. */
export function renderCounts(state: CountState, width: number, colour: boolean): string[] {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text
  const room = Math.max(20, Math.min(width, 100))
  const share = state.totalLines === 0 ? 1 : state.publishedLines / state.totalLines
  const published = `${number(state.publishedLines)} of ${number(state.totalLines)} lines`
  const barWidth = Math.max(10, room - published.length - 14)
  const filled = Math.round(share * barWidth)
  const longest = Math.max(1, ...state.top.map(([word]) => word.length))
  const most = state.top[0]?.[1] ?? 1
  return [
    paint('bold', state.title),
    `  publish  ${paint('green', '█'.repeat(filled))}${paint('dim', '░'.repeat(barWidth - filled))}  ${published}`,
    `  count    ${number(state.countedWords)} words, ${number(state.distinctWords)} different, ${number(state.wordsPerSecond)} records/s`,
    '',
    ...state.top.map(([word, count]) => {
      const bar = '▇'.repeat(Math.max(1, Math.round((count / most) * Math.max(1, room - longest - 16))))
      return `  ${word.padEnd(longest)} ${number(count).padStart(9)}  ${paint('cyan', bar)}`
    }),
  ]
}

export const number = (n: number): string => Math.round(n).toLocaleString('en-US')
