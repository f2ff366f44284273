import { COLOR } from './visible.ts'

/** What takes two columns of a terminal: East Asian wide characters, and emoji. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}])/u
/** The most that a tab takes. */
const TAB = 8

/** Made when it is asked for: it takes a tenth of what the start of a command does. */
let segmenter: Intl.Segmenter | undefined
const graphemes = (): Intl.Segmenter =>
  (segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' }))

/** As much of a line that is fit to be shown as so many columns hold; sequences that set colors take none. */
export function cutToWidth(line: string, columns: number): string {
  let left = columns
  // every second part is such a sequence
  return line
    .split(COLOR)
    .map((part, at) => {
      if (at % 2 === 1) return part
      for (const { segment, index } of graphemes().segment(part)) {
        left -= segment === '\t' ? TAB : WIDE.test(segment) ? 2 : 1
        if (left < 0) return part.slice(0, index)
      }
      return part
    })
    .join('')
}
