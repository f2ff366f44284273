import { createHash } from 'node:crypto'

/** Bytes of a statement's name that PostgreSQL reads: two names that differ behind them are one to it. */
const READ = 63

const shortened = new Map<string, string>()

/** What a statement of that name is called where it is prepared. */
export function preparedName(name: string): string {
  if (name.length <= READ) return name
  const known = shortened.get(name)
  if (known !== undefined) return known
  const short = `${name.slice(0, 30)}-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
  shortened.set(name, short)
  return short
}
