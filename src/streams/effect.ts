import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../db/database.ts'
import { EFFECT, type Actor } from '../kit/actor.ts'

/**
 * The columns `callId` and `callPart` of an entry of the audit, which make it the effect of a call with an
 * idempotency key. The database refuses the entry, and with it the whole change, when the call has had this effect
 * already, or was taken over meanwhile: then `callPart` is null, which it may not be. Nobody takes the call over
 * before the change is committed or rolled back.
 */
export const effectColumns = ({ [EFFECT]: effect }: Actor): Prisma.Sql =>
  effect === undefined
    ? Prisma.sql`NULL::uuid, ''`
    : Prisma.sql`${effect.call.id}::uuid, (
        SELECT ${effect.part}::text FROM "IdempotentCall"
        WHERE id = ${effect.call.id}::uuid AND attempt = ${effect.call.attempt}::int FOR SHARE)`

/** Whether a change was refused because another attempt at its call has taken over. */
export const isTakenOver = (cause: unknown): boolean =>
  cause instanceof Error && /23502|not-null/.test(cause.message) && /callPart/.test(cause.message)

/** The effects that a call with an idempotency key has had, oldest first. */
export const effectsOf = (
  database: Database,
  callId: string,
): Promise<{ subject: string; part: string }[]> =>
  database.query(Prisma.sql`
    SELECT subject, "callPart" AS part FROM "AuditEntry" WHERE "callId" = ${callId}::uuid ORDER BY id`)
