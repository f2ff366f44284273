import type { ClientBase, Pool, PoolClient } from 'pg'
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import type { Operation } from '../kit/operation.ts'

export interface Database {
  readonly pool: Pool
  /** Over the same pool. */
  readonly prisma: PrismaClient
  readonly kind: 'embedded' | 'server'
  /** The one of the whole server, where this is that of one operation. */
  readonly shared: Database
  /** The same database as one operation reads it (`within.ts`). */
  within(operation: Operation): Database
  /**
   * Runs one statement and gives its rows with the types of Prisma's. A `name` prepares it once per
   * connection: for hot paths, and only for a text that is always the same. Without a `client` it runs on
   * any connection, so inside `transaction` the client must be given. With an `operation` its rows count as what that
   * holds, and it is canceled when that is over.
   */
  query<Row extends object>(
    sql: Prisma.Sql,
    options?: { name?: string; client?: ClientBase; operation?: Operation },
  ): Promise<Row[]>
  /**
   * Runs one short statement that only reads and waits for no lock, on a connection that it shares with other reads:
   * for hot paths. A `name` prepares it, as above.
   */
  read<Row extends object>(sql: Prisma.Sql, name: string, operation?: Operation): Promise<Row[]>
  /** A short transaction on one connection: COMMIT when `work` is done, ROLLBACK when it throws. */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T>
  /** Ends every connection and, where it is ours, the database. */
  close(): Promise<void>
}
