import type { Pool, PoolClient } from 'pg'
import { asThrown } from './outage.ts'

/**
 * Runs `work` between BEGIN and COMMIT on one connection; whatever it throws rolls back and is thrown on.
 * The embedded database lets nobody else in meanwhile: keep it short, and use no second connection inside.
 */
export async function transaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken = error // the statement that runs, or the next, rejects with it
  }
  client.on('error', onError)
  try {
    await client.query('BEGIN')
    const result = await work(client)
    const { command } = await client.query('COMMIT')
    if (command !== 'COMMIT')
      throw new Error('The transaction was rolled back: a statement in it had failed.')
    return result
  } catch (cause) {
    await client.query('ROLLBACK').catch((error: Error) => {
      broken ??= error
    })
    throw broken === undefined ? cause : asThrown(broken)
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}
