import { Client, type ClientConfig, Query, type QueryResult } from 'pg'
import type { Prisma } from '../generated/prisma/client.ts'
import { BoundedQuery, type RowBounds } from './bounded-query.ts'
import type { DatabaseLog } from './log.ts'
import { asThrown } from './outage.ts'
import { mustHave } from '../kit/patch.ts'
import { preparedName } from './prepared.ts'
import { rowTypes } from './row-types.ts'
import { begin, type Watchers } from './watch.ts'

mustHave('pg', 'Query.name', 'name' in new Query(''))

/** Connections that are read through at most. */
const LANES = 2
/** Reads under way on one connection before the next one is made use of. */
const DEPTH = 16

/**
 * Short reads, many of them on one connection at a time (pipelining, https://node-postgres.com/features/pipelining). All
 * that are asked for while the same requests come in go out with one write and come back with few: between two
 * processes that is most of what a short read costs. Each waits for those before it, so this is for statements that
 * are over in a moment, wait for no lock and change nothing.
 */
export class Reads {
  readonly #lanes: readonly Lane[]

  constructor(config: ClientConfig, log: DatabaseLog, watchers: Watchers) {
    this.#lanes = Array.from({ length: LANES }, () => new Lane(config, log, watchers))
  }

  /** Rejects with the statement's error, or with the connection's when that is lost; the next read makes a new one. */
  run<Row extends object>(sql: Prisma.Sql, name: string, bounds?: RowBounds): Promise<Row[]> {
    const free = this.#lanes.find(({ depth }) => depth < DEPTH)
    const lane = free ?? this.#lanes.reduce((least, one) => (one.depth < least.depth ? one : least))
    return lane.run(sql, name, bounds)
  }

  /** Lets what is under way come to its end. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()))
  }
}

/** One connection, made with the first read and again when it was lost. */
class Lane {
  depth = 0
  readonly #config: ClientConfig
  readonly #log: DatabaseLog
  readonly #watchers: Watchers
  #client: Client | undefined
  #connecting: Promise<Client> | undefined
  #isCorked = false

  constructor(config: ClientConfig, log: DatabaseLog, watchers: Watchers) {
    this.#config = { ...config, pipeline: true, types: rowTypes }
    this.#log = log
    this.#watchers = watchers
  }

  run<Row extends object>(
    sql: Prisma.Sql,
    name: string,
    bounds: RowBounds | undefined,
  ): Promise<Row[]> {
    if (this.#client !== undefined) return this.#send(this.#client, sql, name, bounds)
    return this.#connected().then((client) => this.#send(client, sql, name, bounds))
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => {}) // whoever waits for it has been told
    await this.#client?.end()
  }

  #send<Row extends object>(
    client: Client,
    { text, values }: Prisma.Sql,
    name: string,
    bounds: RowBounds | undefined,
  ): Promise<Row[]> {
    const ended = begin({ text, name }, this.#watchers)
    this.depth += 1
    return new Promise((resolve, reject) => {
      const heard = (error: Error | undefined, result: QueryResult<Row>): void => {
        this.depth -= 1
        const thrown = error && asThrown(error)
        ended(thrown)
        if (!error) return resolve(result.rows) // in one piece, because rows are not asked for one by one
        Error.captureStackTrace(error) // its own leads into the socket
        reject(thrown)
      }
      const query =
        bounds === undefined
          ? new Query<Row>(text, values, heard)
          : new BoundedQuery({ text, values }, undefined, bounds, heard)
      // what a configuration would say, which `pg` would copy for every query
      Object.assign(query, { name: preparedName(name) })
      this.#gather(client)
      client.query(query)
    })
  }

  /** Holds back what is written until all that came in together has been looked at. */
  #gather({ connection: { stream } }: Client): void {
    if (this.#isCorked) return
    this.#isCorked = true
    stream.cork()
    setImmediate(() => {
      this.#isCorked = false
      stream.uncork()
    })
  }

  #connected(): Promise<Client> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(): Promise<Client> {
    const client = new Client(this.#config)
    const lost = (error?: Error): void => {
      if (this.#client !== client) return
      this.#client = undefined
      if (error) this.#log.warn(`The connection for reads was lost: ${error.message}`)
    }
    client.on('error', lost).on('end', () => lost())
    await client.connect().catch((cause: unknown) => {
      throw asThrown(cause)
    })
    this.#client = client
    return client
  }
}
