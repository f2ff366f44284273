import { hashSecret, Secret } from '../auth/secrets.ts'
import { allow, boundTo, found, organizationFor, personOf, type Viewer } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import { Prisma, type Token } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import { ValidationError } from '../kit/errors.ts'
import { insertion, write } from '../kinds/index.ts'
import { organizationNamed, TokenId } from '../organizations/index.ts'
import { projects } from '../projects/index.ts'
import { tokenById, tokenNamed, tokens } from './store.ts'

/** Makes a token; its secret is in the answer and nowhere else. */
export async function createToken(
  ctx: Context,
  input: {
    name: string
    role: Role
    organizationId?: string | null
    projectId?: string | null
    expiresAt?: Date | null
  },
): Promise<{ token: Token; secret: Secret }> {
  const named = await organizationNamed(ctx, input.organizationId)
  const project =
    input.projectId == null
      ? undefined
      : found(
          await projects.named(ctx, input.projectId, named === undefined ? undefined : [named]),
          'project',
          input.projectId,
        )
  const organizationId = organizationFor(ctx.viewer, 'ADMIN', project?.organizationId ?? named)
  if (input.expiresAt && input.expiresAt <= ctx.now())
    throw new ValidationError([{ path: ['expiresAt'], message: 'This time has passed.' }])
  const secret = Secret.of(ctx)
  const row = insertion(tokens, {
    id: TokenId.make(),
    name: input.name,
    role: input.role,
    organizationId,
    projectId: project?.id ?? null,
    hash: hashSecret(secret.text),
    expiresAt: input.expiresAt ?? null,
  })
  const token = await write<Token>(ctx, tokens, row, {
    actor: actor(ctx),
    action: 'createToken',
    changes: [
      { field: 'name', to: input.name },
      { field: 'role', to: input.role },
      ...(project === undefined ? [] : [{ field: 'project', to: project.handle }]),
    ],
  })
  if (token === undefined) throw new Error('Two tokens cannot have the same secret.')
  return { token, secret }
}

/** Ends a token, with all that is open by it; ending an ended one changes nothing. Anybody may end his own. */
export async function revokeToken(ctx: Context, { id }: { id: string }): Promise<Token> {
  const { viewer } = ctx
  const token = found(await tokenNamed(ctx, id), 'token', id)
  allowEnding(viewer, token)
  if (isUsed(viewer, token)) ctx.cookie?.clear()
  if (token.revokedAt !== null) return token
  const organizationId = token.organizationId ?? viewer.memberships[0]?.organizationId
  const ending = Prisma.sql`
    UPDATE "Token" SET "revokedAt" = clock_timestamp() WHERE id = ${token.id}::uuid RETURNING *`
  const revoked = await write<Token>(ctx, tokens, ending, {
    actor: actor(ctx),
    action: organizationId === undefined ? undefined : 'revokeToken',
    organizationId,
  })
  ctx.sessions.changed()
  return found(revoked, 'token', id)
}

const isUsed = (viewer: Viewer, { id }: Token): boolean =>
  viewer.kind === 'token' && viewer.tokenId === id

function allowEnding(viewer: Viewer, token: Token): void {
  if (isUsed(viewer, token)) return
  if (token.userId !== null && token.userId === personOf(viewer)?.id) {
    const bound = boundTo(viewer)
    if (bound === undefined || bound === token.organizationId) return
  }
  // a token that is nobody's own names its organization
  allow(viewer, 'ADMIN', token.organizationId ?? '')
}

/** The token that a call has made or ended before, as it is now, for whoever may end it. */
export async function changedToken(ctx: Context, id: string): Promise<Token> {
  const token = found(await tokenById(ctx, id), 'token', TokenId.text(id))
  allowEnding(ctx.viewer, token)
  return token
}
