import type { Pool } from 'pg'
import { Rounds } from '../kit/rounds.ts'
import { messageOf, type DatabaseLog } from './log.ts'

const EVERY_MS = 2_000
/** So much of the write-ahead log is read again in a fraction of a second when the database was killed. */
const AFTER_BYTES = 32 * 1024 ** 2

/**
 * What the checkpointer does on a server, for the embedded database, which has none: writes changed pages down once
 * enough has been logged since the last checkpoint, so that the log before that is used again, and a start after a crash
 * has little to do again. It goes by the amount alone: what is idle stays idle. Answers its end.
 */
export function checkpoints(pool: Pool, log: DatabaseLog, everyMs = EVERY_MS): () => Promise<void> {
  const rounds = new Rounds(
    () => checkpointWhenDue(pool),
    (cause) => log.warn(`No checkpoint could be made: ${messageOf(cause)}`),
  ).every(everyMs)
  return () => rounds.close()
}

async function checkpointWhenDue(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ isDue: boolean }>(
    `SELECT pg_current_wal_insert_lsn() - redo_lsn > ${AFTER_BYTES} AS "isDue" FROM pg_control_checkpoint()`,
  )
  if (rows[0]?.isDue === true) await pool.query('CHECKPOINT')
}
