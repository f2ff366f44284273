import { Prisma } from '../generated/prisma/client.ts'
import type { Membership, Token, User } from '../generated/prisma/client.ts'
import { isPassword } from '../auth/passwords.ts'
import { hashSecret, Secret } from '../auth/secrets.ts'
import { actor, type Context } from '../context.ts'
import type { OnceAs } from '../graph/mutation.ts'
import { Forbidden, Unauthenticated, ValidationError } from '../kit/errors.ts'
import { emailOf } from '../kit/names.ts'
import { organizationNamed, TokenId } from '../organizations/index.ts'
import { act } from '../streams/index.ts'

/** Sign-ins of one person that are kept; the oldest one ends with the next. */
const MAX_SIGN_INS = 100

interface SignInInput {
  readonly email: string
  readonly password: string
  readonly organizationId?: string | null
  readonly cookie?: boolean | null
}

interface SignedIn {
  readonly token: Token
  readonly secret: Secret
}

/**
 * Makes a token of the person's own. Throws Unauthenticated when there is no such person or the password is another,
 * after the same time; QuotaReached for who tries too often; Unavailable when too many try at once.
 */
export async function signIn(ctx: Context, input: SignInInput, onceAs: OnceAs): Promise<SignedIn> {
  const { cookie } = ctx
  if (input.cookie && cookie === undefined)
    throw new ValidationError([
      { path: ['cookie'], message: 'A WebSocket can set no cookie: sign in over HTTP.' },
    ])
  if (input.cookie && cookie?.isForeign)
    throw new Forbidden('VIEWER', 'A page of another site may not sign anybody in by cookie.')
  const person = await personWith(ctx, input)
  // who signs in acts as the person already, within what the password is good for
  const memberships = person.memberships.filter(
    ({ organizationId }) =>
      person.passwordOrganizationId === null || organizationId === person.passwordOrganizationId,
  )
  const self: Context = { ...ctx, viewer: { kind: 'user', user: person, memberships } }
  const organizationId =
    (await organizationNamed(self, input.organizationId)) ?? person.passwordOrganizationId
  const place = memberships.find(
    (one) => organizationId === null || one.organizationId === organizationId,
  )
  if (place === undefined && !(person.isServerAdmin && organizationId === null))
    throw new Forbidden('WORKER', 'You are a member of no organization.')
  // the password is right, whichever it is: it is no part of what makes two calls the same
  const { password: _, ...asked } = input
  const made = await onceAs(self, asked, (acting) =>
    newSignIn(acting, person.id, organizationId, place),
  )
  if (input.cookie) cookie?.set(made.secret.text, Math.floor(ctx.config.signInMs / 1000))
  return made
}

type Person = User & { memberships: Membership[] }

async function personWith(ctx: Context, input: SignInInput): Promise<Person> {
  const email = emailOf(input.email)
  const attempt = ctx.throttle.attempt(email, ctx.address)
  let person: Person | null
  let isRight: boolean
  try {
    person = await ctx.database.prisma.user.findUnique({
      where: { email },
      include: { memberships: { orderBy: [{ createdAt: 'asc' }, { organizationId: 'asc' }] } },
    })
    isRight = await isPassword(input.password, person?.passwordHash ?? null)
  } catch (cause) {
    attempt.withdraw()
    throw cause
  }
  if (person === null || !isRight) throw new Unauthenticated('The e-mail or the password is wrong.')
  attempt.succeeded()
  return person
}

async function newSignIn(
  ctx: Context,
  userId: string,
  organizationId: string | null,
  place: Membership | undefined,
): Promise<SignedIn> {
  const secret = Secret.of(ctx)
  const hash = hashSecret(secret.text)
  // an earlier attempt at this call, which derives the same secret, may have got this far
  const known = ctx.call && (await ctx.database.prisma.token.findUnique({ where: { hash } }))
  if (known) return { token: known, secret }
  const id = TokenId.make()
  const audited = organizationId ?? place?.organizationId
  const expiresAt = new Date(ctx.now().getTime() + ctx.config.signInMs)
  const { token, ended } = await ctx.database.prisma.$transaction(async (db) => {
    const made = await db.token.create({
      data: {
        id,
        name: 'sign-in',
        role: place?.role ?? 'ADMIN',
        userId,
        organizationId,
        hash,
        expiresAt,
      },
    })
    const count = await db.$executeRaw(Prisma.sql`
      DELETE FROM "Token" WHERE id IN (
        SELECT id FROM "Token" WHERE "userId" = ${userId}::uuid AND "expiresAt" IS NOT NULL
        ORDER BY serial DESC OFFSET ${MAX_SIGN_INS}::int)`)
    if (audited !== undefined)
      await db.$executeRaw(act(audited, actor(ctx), 'signIn', `usr:${userId}`))
    return { token: made, ended: count }
  })
  if (ended > 0) ctx.sessions.changed()
  if (audited !== undefined) ctx.hub.hint('audit', audited)
  return { token, secret }
}
