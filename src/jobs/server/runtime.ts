import type { Platform } from '../../context.ts'
import { Prisma, type Service } from '../../generated/prisma/client.ts'
import { system } from '../../kit/actor.ts'
import { ServiceId } from '../../services/index.ts'
import { recorded } from '../../streams/index.ts'

/** The handle of the built-in service, which no other can have: handles have no "/". */
const RUNTIME = 'millrace/runtime'

/** The built-in service of an organization, made when it is first needed. Its jobs are done by the server itself. */
export async function runtimeOf(
  { database }: Pick<Platform, 'database'>,
  organizationId: string,
): Promise<Service> {
  const who = JSON.stringify(system)
  for (;;) {
    const [found] = await database.query<Service>(
      Prisma.sql`
        SELECT * FROM "Service" WHERE "organizationId" = ${organizationId}::uuid AND "heldHandle" = ${RUNTIME}`,
      { name: 'runtime-of' },
    )
    if (found !== undefined) return found
    await database.query(
      recorded(
        Prisma.sql`
          INSERT INTO "Service" (id, "organizationId", kind, handle, "heldHandle", name, description, status,
            "isBuiltIn", functions, environment, creator)
          VALUES (${ServiceId.make()}::uuid, ${organizationId}::uuid, 'QUEUE', ${RUNTIME}, ${RUNTIME}, 'Millrace',
            'What Millrace does itself.', 'READY', true, '[]', '[]', ${who}::jsonb)
          ON CONFLICT ("organizationId", "heldHandle") DO NOTHING RETURNING *`,
        {
          actor: system,
          events: [{ kind: 'CREATED', changes: [{ field: 'status', to: 'READY' }] }],
        },
      ),
    )
  }
}
