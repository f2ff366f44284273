import { boundTo, organizationsOf, personOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Token } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
import type { Table } from '../kinds/index.ts'
import { TokenId } from '../organizations/index.ts'

export const tokens: Table = { kind: TokenId, noun: 'token', table: 'Token' }

/**
 * A token of an organization whose objects the viewer may read, or of the viewer itself; a person's tokens are the
 * person's, to whoever acts in one organization those for that one alone, and those of services are nobody's.
 */
export const tokenById = batched<Context, Token>((ctx, ids) => {
  const organizations = organizationsOf(ctx.viewer)
  const user = personOf(ctx.viewer)
  const bound = boundTo(ctx.viewer)
  return ctx.database.prisma.token.findMany({
    where: {
      id: { in: ids },
      serviceId: null,
      OR: [
        { organizationId: { in: organizations }, userId: null },
        ...(user === undefined
          ? []
          : [{ userId: user.id, ...(bound && { organizationId: bound }) }]),
        ...(ctx.viewer.kind === 'token' ? [{ id: ctx.viewer.tokenId }] : []),
      ],
    },
  })
})

/** A token by its id as a caller writes it. */
export const tokenNamed = async (ctx: Context, text: string): Promise<Token | null> => {
  const id = TokenId.read(text)
  return id === undefined ? null : tokenById(ctx, id)
}
