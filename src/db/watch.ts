import { AsyncResource } from 'node:async_hooks'
import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Metrics } from '../ports/metrics/metrics.ts'
import type { Tracing } from '../ports/tracing/tracing.ts'
import { tooLarge } from '../kit/operation.ts'
import { messageOf, type DatabaseLog } from './log.ts'
import { BoundedQuery, type RowBounds, StatementBounds } from './bounded-query.ts'
import { asThrown, isOutage } from './outage.ts'
import { summaryOf } from './summary.ts'

/** What is told of every statement. */
export interface Watchers {
  readonly metrics: Metrics
  readonly tracing: Tracing
}

type Connected = Parameters<Pool['connect']>[0]

/** A pool whose every statement is measured and traced, whoever runs it: named SQL and Prisma share its clients. */
export class WatchedPool extends Pool {
  readonly #watchers: Watchers
  readonly #log: DatabaseLog
  #isAway = false

  /** `maxRowBytes` are those of one statement of Prisma, which says not for whom it runs. */
  constructor(config: PoolConfig, watchers: Watchers, log: DatabaseLog, maxRowBytes = Infinity) {
    super(config)
    this.#watchers = watchers
    this.#log = log
    this.on('connect', (client) => {
      // whoever uses it hears of it from its statement; before the first one nobody listens, which would end the process
      client.on('error', () => {})
      if (this.#isAway) log.info('The database is back.')
      this.#isAway = false
      watch(client, watchers, maxRowBytes)
    })
    watchers.metrics.gauge('millrace_database_connections', () => ({
      busy: this.totalCount - this.idleCount,
      idle: this.idleCount,
    }))
    watchers.metrics.gauge('millrace_database_waiting', () => this.waitingCount)
  }

  override connect(): Promise<PoolClient>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<PoolClient> | void {
    if (callback === undefined)
      return super.connect().catch((cause: unknown) => {
        this.#failed(cause)
        throw asThrown(cause)
      })
    // a client that was waited for is handed over by whoever gives it back, in that one's trace
    const heard = this.#watchers.tracing.isOn ? AsyncResource.bind(callback) : callback
    super.connect((error, client, done) => {
      if (error) this.#failed(error)
      heard(error && (asThrown(error) as Error), client, done) // an error stays one
    })
  }

  /** One line in the log per outage, however many connections are tried for during it. */
  #failed(cause: unknown): void {
    if (!this.#isAway) this.#log.warn(`The database cannot be reached: ${messageOf(cause)}`)
    this.#isAway = true
    this.#watchers.metrics.count('millrace_database_errors_total', 1, { cause: 'outage' })
  }
}

interface Statement {
  readonly text?: string
  readonly name?: string
  readonly rowMode?: string
  readonly submit?: unknown
  /** Who counts its rows. */
  readonly bounds?: RowBounds
}

type Run = (...args: unknown[]) => unknown

/** Measures what a client runs from now on, in whichever of the forms that `query` has. */
function watch(client: PoolClient, watchers: Watchers, maxRowBytes: number): void {
  const run = client.query.bind(client) as Run // its overloads have this in common
  const rowBounds = (): RowBounds => new StatementBounds(maxRowBytes, () => tooLarge(maxRowBytes))
  const query: Run = (...args) => {
    const [first] = args as [string | Statement]
    const statement = typeof first === 'string' ? { text: first } : first
    if (statement.submit !== undefined) return run(...args) // pg's own, with an end of its own
    const ended = begin(statement, watchers)
    const callback = args.at(-1)
    const isCalledBack = typeof callback === 'function'
    const values = isCalledBack ? args.slice(1, -1) : args.slice(1)
    const bounds = statement.bounds ?? (statement.rowMode === 'array' ? rowBounds() : undefined)
    /** Runs it, and calls back. */
    const runWith = (heard: (error: unknown, result: unknown) => void): unknown => {
      const whenDone = (error: unknown, result: unknown): void => {
        const thrown = error ? asThrown(error) : undefined
        ended(thrown)
        heard(thrown, result)
      }
      return bounds === undefined
        ? run(first, ...values, whenDone)
        : run(new BoundedQuery(statement, values[0], bounds, whenDone))
    }
    if (isCalledBack)
      return runWith((...outcome) => void Reflect.apply(callback, undefined, outcome))
    if (bounds !== undefined)
      return new Promise((resolve, reject) => {
        runWith((error, result) => (error ? reject(error) : resolve(result)))
      })
    const result = run(...args) as Promise<unknown>
    return result.then(
      (value) => {
        ended(undefined)
        return value
      },
      (cause: unknown) => {
        const thrown = asThrown(cause)
        ended(thrown)
        throw thrown
      },
    )
  }
  Object.assign(client, { query })
}

/** Begins a statement; the function it answers is called at its end, with the error if there is one. */
export function begin(
  { text = '', name, rowMode }: Statement,
  { metrics, tracing }: Watchers,
): (cause: unknown) => void {
  const kind = kindOf(text, name, rowMode)
  if (kind === 'transaction' && text.startsWith('BEGIN'))
    metrics.count('millrace_database_transactions_total', 1)
  const span = tracing.isOn ? traced(text, tracing) : undefined
  const began = performance.now()
  return (cause) => {
    const seconds = (performance.now() - began) / 1000
    metrics.observe('millrace_database_statement_duration_seconds', seconds, { kind })
    if (cause !== undefined) {
      const why = isOutage(cause) ? 'outage' : 'statement'
      metrics.count('millrace_database_errors_total', 1, { cause: why })
      span?.fail(codeOf(cause) ?? why)
    }
    span?.end()
  }
}

function traced(text: string, tracing: Tracing) {
  const summary = summaryOf(text)
  return tracing.child(summary, 'client', {
    'db.system.name': 'postgresql',
    'db.query.summary': summary,
  })
}

const TRANSACTION = /^(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/

/** Prisma asks for rows as arrays; nothing of ours does. */
function kindOf(text: string, name: string | undefined, rowMode: string | undefined) {
  if (TRANSACTION.test(text)) return 'transaction'
  if (rowMode === 'array') return 'prisma'
  return name === undefined ? 'plain' : 'named'
}

/** SQLSTATE, or the system's code. */
const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : undefined
