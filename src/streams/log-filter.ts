import { Prisma } from '../generated/prisma/client.ts'
import type { LogSource } from '../generated/prisma/enums.ts'
import { inAnyCase } from '../kit/any-case.ts'
import { BadRequest } from '../kit/errors.ts'
import { isStorable, sought } from '../kit/names.ts'
import type { LogLine } from './log-line.ts'

/** Which lines; lists mean any of. */
export interface LogFilter {
  readonly text?: string | null
  readonly sources?: readonly LogSource[] | null
  readonly instances?: readonly number[] | null
  readonly attempts?: readonly number[] | null
  readonly at?: { readonly from: Date; readonly to?: Date | null } | null
  readonly isUnfinished?: boolean | null
}

/** The conditions on lines `l`. Throws BadRequest. */
export function filterSql(filter: LogFilter | null | undefined): Prisma.Sql[] {
  if (!filter) return []
  const { sources, instances, attempts, at, isUnfinished } = filter
  const parts: Prisma.Sql[] = []
  const pattern = patternOf(filter)
  // a search for many different characters is dear to begin: no line that is shorter than the text is searched
  if (pattern)
    parts.push(
      Prisma.sql`CASE WHEN octet_length(l.text) >= ${lengthOf(filter)}::int THEN l.text ~ ${pattern} ELSE false END`,
    )
  if (sources) parts.push(Prisma.sql`l.source = ANY(${[...sources]}::"LogSource"[])`)
  if (instances) parts.push(Prisma.sql`l.instance = ANY(${[...instances]}::int[])`)
  if (attempts) parts.push(Prisma.sql`l.attempt = ANY(${[...attempts]}::int[])`)
  if (at) parts.push(Prisma.sql`l.at >= ${at.from}`)
  if (at?.to) parts.push(Prisma.sql`l.at < ${at.to}`)
  if (isUnfinished != null) parts.push(Prisma.sql`l."isUnfinished" = ${isUnfinished}::boolean`)
  return parts
}

/** The same rule for lines in memory: what a follower is shown. Throws BadRequest. */
export function matching(filter: LogFilter): (line: LogLine) => boolean {
  const { at, isUnfinished } = filter
  const sources = filter.sources && new Set(filter.sources)
  const instances = filter.instances && new Set<number | null>(filter.instances)
  const attempts = filter.attempts && new Set<number | null>(filter.attempts)
  const pattern = patternOf(filter)
  const text = pattern ? new RegExp(pattern, 'u') : undefined
  return (line) => {
    if (text && !text.test(line.text)) return false
    if (sources && !sources.has(line.source)) return false
    if (instances && !instances.has(line.instance)) return false
    if (attempts && !attempts.has(line.attempt)) return false
    if (isUnfinished != null && line.isUnfinished !== isUnfinished) return false
    return !at || (line.at >= at.from && (!at.to || line.at < at.to))
  }
}

/** Characters of the text: no line that has it has fewer bytes, whatever their case. */
const lengthOf = ({ text }: LogFilter): number => Array.from(text ?? '').length

/** The regular expression that a text is looked for by; undefined where none is. */
function patternOf({ text }: LogFilter): string | undefined {
  if (!text) return undefined
  if (!isStorable(text))
    throw new BadRequest(
      '`filter.text` must not contain NUL or half a surrogate pair. A log has NUL as `\\x00`.',
    )
  return inAnyCase(sought(text, 'filter.text'))
}
