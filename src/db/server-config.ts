import type { PoolConfig } from 'pg'

/**
 * What every session on a server is started with. Prisma's adapter reads and writes times without their zone. Rows are
 * found by an index wherever there is one, also while a table is new or small: a plan is kept for long, and one that
 * reads all rows of what was small when it was made gets slower with every row. No statement is worth being compiled.
 */
const SESSION = '-c TimeZone=UTC -c random_page_cost=1.1 -c enable_seqscan=off -c jit=off'
const STATEMENT_MS = 30_000
/**
 * How long an answer is waited for. Only of a server that is frozen or has vanished none comes by then; its connections
 * are given up.
 */
const ANSWER_MS = STATEMENT_MS + 10_000
const IDLE_IN_TRANSACTION_MS = 10_000

/** How connections to the server at `url` are made; what the URL itself says wins. */
export function serverConfig(url: string): PoolConfig {
  return {
    connectionString: withOptions(url),
    application_name: 'millrace',
    statement_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    options: SESSION,
    keepAlive: true,
  }
}

/** `pg` lets options in the URL replace ours, so ours join them there. */
function withOptions(text: string) {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  const given = url.searchParams.get('options')
  if (given === null) return text
  url.searchParams.set('options', `${given} ${SESSION}`)
  return url.href
}
