import { printerOf, shownLines, type LogLineState } from '../client/shown-lines.ts'
import { columns, draw, say } from './output.ts'
import { cutToWidth } from './width.ts'

interface View<Line> {
  /** How a line is said. */
  readonly words: (line: Line) => string
  /** Makes it harmless. */
  readonly show: (text: string) => string
  /** Whether lines that are not finished are drawn, each over the one before. */
  readonly isLive: boolean
}

/**
 * Shows a log: each line once it is finished. What is not is drawn meanwhile where the view is live; elsewhere it is
 * told at the end, unless another has taken its place by then.
 */
export function lineView<Line extends LogLineState>({ words, show, isLive }: View<Line>) {
  let open: readonly Line[] = []
  return {
    add(lines: readonly Line[]): void {
      const shown = shownLines([...open, ...lines])
      for (const line of shown)
        if (!line.isUnfinished) say(words(line), show, printerOf(line))
        else if (isLive) draw(cutToWidth(show(words(line)), columns()), printerOf(line))
      if (!isLive) open = shown.filter(({ isUnfinished }) => isUnfinished)
    },
    end(): void {
      for (const line of open) say(words(line), show)
      open = []
    },
  }
}
