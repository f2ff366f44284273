import { randomBytes } from 'node:crypto'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { idKind } from '../kit/ids.ts'

const CallId = idKind('call')

/** How long an answer is kept. */
const KEPT_SECONDS = 24 * 3_600

/** A call as its row has it. */
export interface CallRow {
  readonly id: string
  readonly mutation: string
  readonly digest: string
  readonly seed: string
  readonly attempt: number
  readonly answer: string | null
}

/** What was asked, by whom, under which key. */
export interface AskedCall {
  readonly caller: string
  readonly key: string
  readonly mutation: string
  readonly digest: string
}

const until = ({ config }: Context): Prisma.Sql =>
  Prisma.sql`clock_timestamp() + make_interval(secs => ${config.leaseMs / 1000}::float8)`

/**
 * Claims a call: a new one, one whose key has become free, or one that nobody works on any more, because its claim
 * was given back, has expired, or is an earlier run's of a server that has started again. Otherwise it answers the
 * row as it is. One statement, so of those who claim at once one does.
 */
export async function claim(
  ctx: Context,
  { caller, key, mutation, digest }: AskedCall,
): Promise<{ row: CallRow; isMine: boolean }> {
  const { id: server, run } = ctx.server
  const isOver = Prisma.sql`c."expiresAt" <= now()`
  for (;;) {
    const [mine] = await ctx.database.query<CallRow>(Prisma.sql`
      INSERT INTO "IdempotentCall" AS c
        (id, caller, key, mutation, digest, seed, "ownerServer", "ownerRun", "ownedUntil", "expiresAt")
      VALUES (${CallId.make()}::uuid, ${caller}, ${key}, ${mutation}, ${digest}, ${randomBytes(24).toString('base64url')},
        ${server}::uuid, ${run}::uuid, ${until(ctx)}, now() + make_interval(secs => ${KEPT_SECONDS}::int))
      ON CONFLICT (caller, key) DO UPDATE SET
        "ownerServer" = EXCLUDED."ownerServer", "ownerRun" = EXCLUDED."ownerRun", "ownedUntil" = EXCLUDED."ownedUntil",
        id = CASE WHEN ${isOver} THEN EXCLUDED.id ELSE c.id END,
        mutation = EXCLUDED.mutation,
        digest = EXCLUDED.digest,
        seed = CASE WHEN ${isOver} THEN EXCLUDED.seed ELSE c.seed END,
        attempt = CASE WHEN ${isOver} THEN 1 ELSE c.attempt + 1 END,
        answer = NULL,
        "createdAt" = CASE WHEN ${isOver} THEN EXCLUDED."createdAt" ELSE c."createdAt" END,
        "expiresAt" = CASE WHEN ${isOver} THEN EXCLUDED."expiresAt" ELSE c."expiresAt" END
      WHERE ${isOver} OR (c.answer IS NULL AND c.digest = EXCLUDED.digest AND (
        c."ownedUntil" IS NULL OR c."ownedUntil" <= clock_timestamp()
        OR EXISTS (SELECT 1 FROM "Server" AS s WHERE s.id = c."ownerServer" AND s.run <> c."ownerRun")))
      RETURNING id, mutation, digest, seed, attempt, answer`)
    if (mine !== undefined) return { row: mine, isMine: true }
    const [row] = await ctx.database.query<CallRow>(Prisma.sql`
      SELECT id, mutation, digest, seed, attempt, answer FROM "IdempotentCall"
      WHERE caller = ${caller} AND key = ${key} AND "expiresAt" > now()`)
    if (row !== undefined) return { row, isMine: false }
    // it has expired between the two statements
  }
}

/** Keeps a claim for as long again. */
export async function renew(ctx: Context, { id, attempt }: CallRow): Promise<void> {
  await ctx.database.query(Prisma.sql`
    UPDATE "IdempotentCall" SET "ownedUntil" = ${until(ctx)}
    WHERE id = ${id}::uuid AND attempt = ${attempt}::int AND answer IS NULL`)
}

/** Lets whoever asks next work on it. */
export async function giveBack(ctx: Context, { id, attempt }: CallRow): Promise<void> {
  await ctx.database.query(Prisma.sql`
    UPDATE "IdempotentCall" SET "ownedUntil" = NULL
    WHERE id = ${id}::uuid AND attempt = ${attempt}::int AND answer IS NULL`)
}

/** Keeps the answer; false when the call was taken over meanwhile. */
export async function keep(
  ctx: Context,
  { id, attempt }: CallRow,
  answer: string,
): Promise<boolean> {
  const kept = await ctx.database.query(Prisma.sql`
    UPDATE "IdempotentCall" SET answer = ${answer}, "ownedUntil" = NULL
    WHERE id = ${id}::uuid AND attempt = ${attempt}::int AND answer IS NULL RETURNING id`)
  return kept.length > 0
}
