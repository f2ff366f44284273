import type { ClientBase, PoolClient } from 'pg'
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import type { Operation } from '../kit/operation.ts'
import type { Database } from './database.ts'
import { readsWithin } from './prisma-reads.ts'

/**
 * The database as one operation reads it: its rows are counted as they come, no statement begins once it is over, and
 * one that runs is canceled where there is a server that can. What a mutation does is only counted, and so is what
 * runs in a transaction.
 */
export class DatabaseWithin implements Database {
  readonly shared: Database
  readonly #operation: Operation
  #prisma: PrismaClient | undefined

  constructor(shared: Database, operation: Operation) {
    this.shared = shared
    this.#operation = operation
  }

  get pool(): Database['pool'] {
    return this.shared.pool
  }

  get kind(): Database['kind'] {
    return this.shared.kind
  }

  get prisma(): PrismaClient {
    return (this.#prisma ??= readsWithin(this.shared.prisma, this.#operation))
  }

  async query<Row extends object>(
    sql: Prisma.Sql,
    options: { name?: string; client?: ClientBase } = {},
  ): Promise<Row[]> {
    if (options.client !== undefined) return this.shared.query(sql, options)
    this.#operation.check()
    return this.shared.query(sql, { ...options, operation: this.#operation })
  }

  async read<Row extends object>(sql: Prisma.Sql, name: string): Promise<Row[]> {
    this.#operation.check()
    return this.shared.read(sql, name, this.#operation)
  }

  within(operation: Operation): Database {
    return this.shared.within(operation)
  }

  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    this.#operation.check()
    return this.shared.transaction(work)
  }

  close(): Promise<void> {
    return this.shared.close()
  }
}
