import { LRUCache } from 'lru-cache'

/** Summaries kept; texts are our own and Prisma's, but the latter have as many forms as there are selections. */
const KEPT = 1_000
const MAX_LENGTH = 255
const known = new LRUCache<string, string>({ max: KEPT })

const STEP = /\b(INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN)\s+(?:"public"\.)?"(\w+)"/gi

/** What a statement does to which tables, in the order of its text and without any value: `UPDATE Service, INSERT Event`. */
export function summaryOf(text: string): string {
  const seen = known.get(text)
  if (seen !== undefined) return seen
  const steps = [...text.matchAll(STEP)].map(([, how = '', table]) => `${verbOf(how)} ${table}`)
  const summary =
    [...new Set(steps)].join(', ').slice(0, MAX_LENGTH) ||
    (/^\s*(\w+)/.exec(text)?.[1] ?? 'SQL').toUpperCase()
  known.set(text, summary)
  return summary
}

function verbOf(how: string): string {
  const [verb = ''] = how.toUpperCase().split(' ')
  return verb === 'FROM' || verb === 'JOIN' ? 'SELECT' : verb
}
