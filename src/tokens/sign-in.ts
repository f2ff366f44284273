import { Prisma } from '../generated/prisma/client.ts'
import type { Membership, Token } from '../generated/prisma/client.ts'
import { networkOf } from '../auth/network.ts'
import { matches } from '../auth/passwords.ts'
import { hashSecret, Secret } from '../auth/secrets.ts'
import { actor, type Context } from '../context.ts'
import type { OnceAs } from '../graph/mutation.ts'
import { Forbidden, Unauthenticated, ValidationError } from '../kit/errors.ts'
import { emailOf } from '../kit/names.ts'
import { organizationNamed, passesOf, TokenId, UserId, type Pass } from '../organizations/index.ts'
import { act, AUDIT } from '../streams/index.ts'

/** Sign-ins of one person, for all or for one organization, that are kept; the oldest one ends with the next. */
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
 * after the same time; QuotaReached for who tries too often; Unavailable when too many try at once; Forbidden and
 * ValidationError where the password is good for no organization that is meant, or for several.
 */
export async function signIn(ctx: Context, input: SignInInput, onceAs: OnceAs): Promise<SignedIn> {
  const { cookie } = ctx
  if (input.cookie && cookie === undefined)
    throw new ValidationError([
      { path: ['cookie'], message: 'A WebSocket can set no cookie: sign in over HTTP.' },
    ])
  if (input.cookie && cookie?.isForeign)
    throw new Forbidden('VIEWER', 'A page of another site may not sign anybody in by cookie.')
  const passes = await passesWith(ctx, input)
  const { pass, organizationId, place } = await chosen(ctx, passes, input.organizationId)
  // who signs in acts as the person already, within what the password is good for
  const { user, memberships, within } = pass
  const self: Context = { ...ctx, viewer: { kind: 'user', user, memberships } }
  // the password is right, whichever it is: it is no part of what makes two calls the same
  const { password: _, ...asked } = input
  // but what it is good for is: the answer of another may not be had by it
  const made = await onceAs(self, { ...asked, ...(within && { within }) }, (acting) =>
    newSignIn(acting, user.id, organizationId, place),
  )
  if (input.cookie) cookie?.set(made.secret.text, Math.floor(ctx.config.signInMs / 1000))
  return made
}

/** The passwords that are the one given. Throws Unauthenticated when there is none. */
async function passesWith(ctx: Context, input: SignInInput): Promise<Pass[]> {
  const email = emailOf(input.email)
  const network = networkOf(ctx.address)
  const self = ctx.viewer.kind === 'token' ? ctx.viewer.user : undefined
  const session = self?.email === email ? self.id : undefined
  const attempt = await ctx.throttle.attempt(email, { network, session }, () =>
    knownHere(ctx, email, network),
  )
  let right: Pass[]
  try {
    const passes = await passesOf(ctx, email)
    const hashes = passes.map(({ hash }) => hash)
    const isRight = await matches(input.password, hashes, network)
    const { accounts } = attempt
    // those left out are computed like the others, so that the time is the same
    right = passes.filter(
      ({ user }, place) => isRight[place] && (accounts === undefined || accounts.has(user.id)),
    )
  } catch (cause) {
    attempt.withdraw()
    throw cause
  }
  if (right.length === 0) throw new Unauthenticated('The e-mail or the password is wrong.')
  attempt.withdraw()
  return right
}

/** The accounts with that e-mail that have signed in from this network, as far as sign-ins are kept. */
async function knownHere(
  { database }: Context,
  email: string,
  network: string,
): Promise<readonly string[]> {
  const users = await database.prisma.user.findMany({
    where: { email, tokens: { some: { network } } },
    select: { id: true },
  })
  return users.map(({ id }) => id)
}

interface Chosen {
  readonly pass: Pass
  /** The only organization the token is to be good for. */
  readonly organizationId: string | null
  readonly place: Membership | undefined
}

/**
 * Which of the passwords that match is meant: the one that is good for the organization named, else the one that is
 * good for all. Throws Forbidden when there is none, and ValidationError when there are several.
 */
async function chosen(
  ctx: Context,
  passes: readonly Pass[],
  named: string | null | undefined,
): Promise<Chosen> {
  const [first] = passes
  if (first === undefined) throw new Error('No password is the right one.')
  const memberships = passes.flatMap((pass) => pass.memberships)
  const self: Context = { ...ctx, viewer: { kind: 'user', user: first.user, memberships } }
  const organizationId = await organizationNamed(self, named)
  const forAll = passes.filter(({ within }) => within === null)
  const meant =
    organizationId === undefined
      ? forAll.length > 0
        ? forAll
        : passes
      : passes.filter((pass) =>
          pass.memberships.some((one) => one.organizationId === organizationId),
        )
  const [pass = first, ...others] = meant
  if (others.length > 0) throw await ambiguous(self)
  const within = organizationId ?? pass.within
  const place = pass.memberships.find((one) => within === null || one.organizationId === within)
  if (place === undefined && !(pass.user.isServerAdmin && within === null))
    throw new Forbidden('WORKER', 'You are a member of no organization.')
  return { pass, organizationId: within, place }
}

async function ambiguous({ viewer, database }: Context): Promise<ValidationError> {
  const ids = viewer.memberships.map(({ organizationId }) => organizationId)
  const rows = await database.prisma.organization.findMany({
    where: { id: { in: ids } },
    select: { handle: true },
    orderBy: { serial: 'asc' },
  })
  const choices = rows.map(({ handle }) => handle).join(', ')
  return new ValidationError([
    {
      path: ['organizationId'],
      message: `This password is good for several organizations: say which of ${choices}.`,
      rule: 'ambiguous',
    },
  ])
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
        network: networkOf(ctx.address),
      },
    })
    const count = await db.$executeRaw(Prisma.sql`
      DELETE FROM "Token" WHERE id IN (
        SELECT id FROM "Token" WHERE "userId" = ${userId}::uuid AND "expiresAt" IS NOT NULL
          AND "organizationId" IS NOT DISTINCT FROM ${organizationId}::uuid
        ORDER BY serial DESC OFFSET ${MAX_SIGN_INS}::int)`)
    if (audited !== undefined)
      await db.$executeRaw(act(audited, actor(ctx), 'signIn', { kind: UserId, id: userId }))
    return { token: made, ended: count }
  })
  if (ended > 0) ctx.sessions.changed()
  if (audited !== undefined) ctx.hub.hint(AUDIT, audited)
  return { token, secret }
}
