import { StringDecoder } from 'node:string_decoder'
import { piecesOf } from './pieces-of.ts'

/** How often a line that is not ended is shown, at most. */
const SHOW_EVERY_MS = 1_000

/** A line without its end; `isUnfinished`: what there is of it so far. The next one takes its place. */
export interface Line {
  readonly text: string
  readonly isUnfinished: boolean
}

/**
 * The lines of a stream of UTF-8. One that is drawn over itself with `\r`, as progress bars are, is what it shows in
 * the end; at most once a second, where it has changed, what it shows meanwhile comes before it. The stream is read
 * only as fast as its lines are taken.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Line, void, void> {
  const decoder = new StringDecoder('utf8')
  const chunks = stream[Symbol.asyncIterator]()
  let next: Promise<IteratorResult<Buffer>> | undefined
  let open = ''
  let shown = ''
  let dueAt = 0
  for (;;) {
    next ??= chunks.next()
    const text = lastDrawn(open)
    const chunk = text === shown ? await next : await unlessLate(next, dueAt)
    if (chunk === undefined) {
      yield { text, isUnfinished: true }
      shown = text
      dueAt = performance.now() + SHOW_EVERY_MS
      continue
    }
    next = undefined
    if (chunk.done === true) break
    const lines = (open + decoder.write(chunk.value)).split('\n')
    if (open === '' || lines.length > 1) {
      shown = ''
      dueAt = performance.now() + SHOW_EVERY_MS
    }
    const rest = lines.pop() ?? ''
    const pieces = [...piecesOf(lastDrawn(rest))]
    open = (pieces.pop() ?? '') + (rest.endsWith('\r') ? '\r' : '') // what follows may be drawn over it
    for (const line of lines) yield { text: lastDrawn(line), isUnfinished: false }
    for (const text of pieces) yield { text, isUnfinished: false }
  }
  open += decoder.end()
  if (open !== '') yield { text: lastDrawn(open), isUnfinished: false }
}

/** What is waited for; undefined where it has not come by then. */
async function unlessLate<T>(wanted: Promise<T>, dueAt: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), dueAt - performance.now())
  })
  return Promise.race([wanted, late]).finally(() => clearTimeout(timer))
}

/** What a terminal shows of a line that is drawn over itself. */
function lastDrawn(line: string): string {
  let end = line.length
  while (line.charAt(end - 1) === '\r') end -= 1
  return line.slice(line.slice(0, end).lastIndexOf('\r') + 1, end)
}
