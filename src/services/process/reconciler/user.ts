import type { Platform } from '../../../context.ts'
import { Prisma, type Service } from '../../../generated/prisma/client.ts'
import { StartFailed, UserTaken, type UserRange } from '../../../ports/runtime/runtime.ts'

/** How many numbers are tried that others on the machine turn out to have. */
const TRIES = 50

/**
 * Starts something as the service's own user of the operating system, where the runtime has users: the number that it
 * has, or a free one where it has none, where that lies outside the range, or where somebody else on this machine has it.
 * Throws StartFailed when there is none.
 */
export async function asUserOf<Started>(
  platform: Platform,
  service: Pick<Service, 'id' | 'instanceUser'>,
  start: (user: number | undefined) => Promise<Started>,
): Promise<Started> {
  const range = platform.runtime.users
  if (range === undefined) return start(undefined)
  const taken: number[] = []
  let user = service.instanceUser
  while (taken.length < TRIES) {
    if (user === null || user < range.first || user > range.last)
      user = await assigned(platform, service.id, range, taken)
    if (user === null) break
    try {
      return await start(user)
    } catch (cause) {
      if (!(cause instanceof UserTaken)) throw cause
      taken.push(user)
      user = null
    }
  }
  throw new StartFailed(
    'There is no free user of the operating system for it: widen INSTANCE_USERS, or delete services that nobody needs, since each keeps its number.',
  )
}

/**
 * Gives a service the first number from a random place on that no other has, or leaves it the one that it has been given
 * meanwhile; null when there is none. A number that was free again a moment ago is so hardly ever the next one's.
 */
async function assigned(
  platform: Platform,
  serviceId: string,
  { first, last }: UserRange,
  taken: readonly number[],
): Promise<number | null> {
  const size = last - first + 1
  const begin = Math.floor(Math.random() * size)
  const assign = Prisma.sql`
    UPDATE "Service" AS t SET "instanceUser" = CASE
      WHEN t."instanceUser" BETWEEN ${first}::int AND ${last}::int AND t."instanceUser" <> ALL(${taken}::int[])
        THEN t."instanceUser"
      ELSE (
        SELECT free FROM (SELECT ${first}::int + (${begin}::int + i) % ${size}::int AS free
                          FROM generate_series(0, ${size - 1}::int) AS i) AS numbers
        WHERE free <> ALL(${taken}::int[])
          AND NOT EXISTS (SELECT FROM "Service" AS other WHERE other."instanceUser" = free)
        LIMIT 1)
      END
    WHERE t.id = ${serviceId}::uuid AND t."closedAt" IS NULL RETURNING "instanceUser"`
  for (let n = 1; ; n += 1)
    try {
      const rows = await platform.database.query<Pick<Service, 'instanceUser'>>(assign)
      return rows[0]?.instanceUser ?? null
    } catch (cause) {
      if (n === TRIES || !isTwice(cause)) throw cause // else another server gave that number away at this moment
    }
}

const isTwice = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === '23505'
