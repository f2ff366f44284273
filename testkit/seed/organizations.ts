import { Client } from '../client.ts'
import { CreateOrganization, CreateToken } from '../operations/organizations.ts'
import { SetMember, SignIn } from '../operations/people.ts'
import { succeeded } from '../outcome.ts'
import type { Role } from '../generated/graphql.ts'

let count = 0

/** A token of an organization, with its secret. */
export async function seedToken(
  admin: Client,
  organizationId: string,
  role: Role,
  expiresAt?: string,
) {
  const name = `token ${(count += 1)}`
  const input = { name, role, organizationId, ...(expiresAt === undefined ? {} : { expiresAt }) }
  const { createToken } = await admin.request(CreateToken, { input })
  return succeeded(createToken, 'CreateTokenSuccess')
}

/** A server of this process or another, and its admin. */
export interface Server {
  readonly url: string
  readonly admin: Client
}

/** A new organization and somebody who may do everything in it, and nothing elsewhere. */
export async function seedOrganization(app: Server): Promise<{ id: string; admin: Client }> {
  const { createOrganization } = await app.admin.request(CreateOrganization, {
    input: { name: `organization ${(count += 1)}` },
  })
  const { id } = succeeded(createOrganization, 'CreateOrganizationSuccess').organization
  return { id, admin: await member(app, id, 'ADMIN') }
}

/** A caller with a role in an organization. */
export const member = async (app: Server, organizationId: string, role: Role): Promise<Client> =>
  new Client(app.url, (await seedToken(app.admin, organizationId, role)).secret)

export const PASSWORD = 'correct horse battery'

/** A person who can sign in, made by `admin` in an organization of its. */
export async function seedPerson(
  admin: Client,
  role: Role,
  organizationId: string,
): Promise<{ id: string; email: string; password: string }> {
  const email = `person${(count += 1)}@example.com`
  const input = { email, role, password: PASSWORD, organizationId }
  const { setMember } = await admin.request(SetMember, { input })
  const { membership } = succeeded(setMember, 'SetMemberSuccess')
  return { id: membership?.user.id ?? '', email, password: PASSWORD }
}

/** The code of a new invitation by `admin` into an organization of its. */
export async function invited(
  admin: Client,
  email: string,
  role: Role,
  organizationId: string,
): Promise<{ code: string; id: string }> {
  const { setMember } = await admin.request(SetMember, { input: { email, role, organizationId } })
  const { invitation, secret } = succeeded(setMember, 'SetMemberSuccess')
  return { code: secret ?? '', id: invitation?.id ?? '' }
}

interface SignInInput {
  readonly email: string
  readonly password: string
  readonly organizationId?: string
}

/** The secret of a new sign-in. */
export async function signedIn(
  stranger: Client,
  { email, password, organizationId }: SignInInput,
): Promise<{ secret: string; id: string }> {
  const input = { email, password, ...(organizationId && { organizationId }) }
  const { signIn } = await stranger.request(SignIn, { input })
  const { secret, token } = succeeded(signIn, 'SignInSuccess')
  return { secret, id: token.id }
}
