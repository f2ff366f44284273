import type { Pool, PoolClient } from 'pg'
import { DomainError } from '../kit/errors.ts'
import type { Operation } from '../kit/operation.ts'
import { answerIn, QUERY_CANCELED } from './outage.ts'

/**
 * Runs one statement that may be ended in the middle, on a connection of its own. When the operation is over, neither a
 * connection nor the end of the statement is waited for any more; both come back by themselves. Throws why it is over.
 */
export function cancelable<Result>(
  pool: Pool,
  operation: Operation,
  cancel: (client: PoolClient) => Promise<void>,
  run: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    let client: PoolClient | undefined
    let canceling: Promise<void> | undefined
    const stop = operation.whenOver(() => {
      if (client !== undefined) canceling = cancel(client).catch(() => {}) // then it ends by itself
      reject(operation.why ?? new Error('An operation is over for no reason.'))
    })
    const work = async (): Promise<Result> => {
      operation.check()
      client = await pool.connect()
      let broken: Error | undefined
      const onError = (error: Error): void => void (broken = error)
      client.on('error', onError)
      try {
        operation.check()
        return await run(client)
      } catch (cause) {
        // after an answer of the database, or one of ours, the connection is as good as before
        if (!(answerIn(cause) || cause instanceof DomainError)) broken ??= cause as Error // all that `pg` rejects with
        throw cause
      } finally {
        stop()
        await canceling // it would hit the next statement of the connection
        client.off('error', onError)
        client.release(broken)
        client = undefined
      }
    }
    work().then(resolve, (cause: unknown) => {
      stop()
      const isCanceled = answerIn(cause)?.code === QUERY_CANCELED
      reject(isCanceled ? (operation.why ?? cause) : cause)
    })
  })
}
