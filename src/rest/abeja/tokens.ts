import { readTime } from '../../kit/time.ts'

/** Where a reader of a log stands, which way it goes on, and the times its first call asked for. */
export interface Token {
  readonly way: 'backward' | 'forward' | 'next'
  /** Of the log's own stream, which takes no other; null before the first page. */
  readonly cursor: string | null
  readonly from: string | null
  readonly to: string | null
}

/** As callers get it: text that fits into a URL and says nothing to them. */
export const writeToken = ({ way, cursor, from, to }: Token): string =>
  Buffer.from(JSON.stringify([way, cursor, from, to])).toString('base64url')

/** Undefined for what is no token. */
export function readToken(text: string): Token | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return undefined // which is an answer here
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined
  const [way, cursor, from, to] = parts as unknown[]
  if (way !== 'backward' && way !== 'forward' && way !== 'next') return undefined
  if (typeof cursor !== 'string' || !isTime(from) || !isTime(to)) return undefined
  return { way, cursor, from, to }
}

const isTime = (value: unknown): value is string | null =>
  value === null || (typeof value === 'string' && readTime(value) !== undefined)
