import type { Pool } from 'pg'
import { Rounds } from '../kit/rounds.ts'
import { messageOf, type DatabaseLog } from './log.ts'

const EVERY_MS = 60_000
/** Transactions after which rows must be frozen, long before their ids come round (`autovacuum_freeze_max_age`). */
const FREEZE_AFTER = 200_000_000

interface Due {
  readonly name: string
  readonly command: string
}

/**
 * What autovacuum does on a server, for the embedded database, which has none: gives the room of dead rows back,
 * renews what the planner knows, and freezes rows before transaction ids come round. Tables are taken one by one, by
 * PostgreSQL's own thresholds (https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM), because the
 * one session there is can do nothing else meanwhile.
 */
export class Upkeep {
  readonly #pool: Pool
  readonly #log: DatabaseLog
  /** Tables that could not be looked after: one that takes too long would stop everything again and again. */
  readonly #failed = new Set<string>()
  readonly #rounds: Rounds

  constructor(pool: Pool, log: DatabaseLog, everyMs = EVERY_MS) {
    this.#pool = pool
    this.#log = log
    this.#rounds = new Rounds(
      () => this.#all(),
      (cause) => log.warn(`Tables could not be looked after: ${messageOf(cause)}`),
    ).every(everyMs)
  }

  /** Begins no other table, and waits for the one in hand. */
  close(): Promise<void> {
    return this.#rounds.close()
  }

  async #all(): Promise<void> {
    for (const { name, command } of await this.#due()) {
      if (this.#rounds.isClosed) return
      if (this.#failed.has(name)) continue
      try {
        await this.#pool.query(`${command} ${name}`)
      } catch (cause) {
        this.#failed.add(name)
        this.#log.warn(
          `${command} of ${name} failed and is left until the next start: ${messageOf(cause)}`,
        )
      }
    }
  }

  async #due(): Promise<Due[]> {
    const { rows } = await this.#pool.query<Due>(DUE)
    return rows
  }
}

const DUE = `
  SELECT c.oid::regclass::text AS name,
    CASE WHEN d.dead OR d.old THEN 'VACUUM (ANALYZE)' ELSE 'ANALYZE' END AS command
  FROM pg_class AS c LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
  CROSS JOIN LATERAL (SELECT
    COALESCE(s.n_dead_tup, 0) > 50 + 0.2 * GREATEST(c.reltuples, 0)
      OR COALESCE(s.n_ins_since_vacuum, 0) > 1000 + 0.2 * GREATEST(c.reltuples, 0) AS dead,
    COALESCE(s.n_mod_since_analyze, 0) > 50 + 0.1 * GREATEST(c.reltuples, 0) AS changed,
    age(c.relfrozenxid) > ${FREEZE_AFTER} AS old) AS d
  WHERE c.relkind = 'r' AND (d.dead OR d.changed OR d.old)
  ORDER BY d.old DESC, c.oid`
