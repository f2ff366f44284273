import { InvalidArgumentError, type Command } from 'commander'
import {
  CliCreateOrganizationDocument,
  CliCreateTokenDocument,
  CliRevokeTokenDocument,
  type Role,
} from '../generated/operations/graphql.ts'
import { done, send } from './api.ts'
import { isJson, serverOf, talking } from './command.ts'
import { frontWords, type FrontWord } from '../rest/fronts.ts'
import { exported, readFront, variablesOf } from './front.ts'
import { answer, note } from './output.ts'
import { Refusal } from './refusal.ts'
import { readExpiry } from './time.ts'

interface TokenOptions {
  readonly role?: Role
  readonly expiresIn?: string
  readonly front?: FrontWord
}

const ROLES: readonly Role[] = ['VIEWER', 'WORKER', 'DEVELOPER', 'ADMIN']

/** `token` and `organization`: who may do what. */
export function addAccess(program: Command): void {
  const token = program.command('token').description('create and revoke tokens')
  talking(token.command('create'))
    .description('create a token and print its secret, which is shown only once')
    .argument('[name]', 'name of the token, for people; may be omitted with --front')
    .option(
      '--role <role>',
      'rights of the token: viewer, worker, developer or admin; required without --front',
      readRole,
    )
    .option(
      '--expires-in <duration>',
      'time until the token expires, for example 30d (default: never)',
      readExpiry,
    )
    .option(
      '--front <name>',
      `print the environment variables for clients of an older system: ${frontWords.join(', ')}; sets the default name to that of the system and the default role to developer`,
      readFront,
    )
    .action(async (given: string | undefined, options: TokenOptions, command: Command) => {
      const { front } = options
      const name = given ?? front
      const role = options.role ?? (front && 'DEVELOPER')
      if (name === undefined || role === undefined)
        throw new Refusal('Enter a name and a --role for the token, or a --front.')
      const server = serverOf(command)
      const { createToken } = await send(server, CliCreateTokenDocument, {
        input: {
          name,
          role,
          expiresAt: options.expiresIn,
        },
      })
      const { secret, token: made } = done(createToken)
      const variables = front && (await variablesOf(front, server, secret))
      answer(isJson(command), { ...made, secret, ...(variables && { variables }) }, () =>
        variables ? exported(variables) : secret,
      )
      if (!isJson(command)) note(`To revoke it: npx millrace token revoke ${made.id}`)
    })
  talking(token.command('revoke'))
    .description('revoke a token, so that it stops working at once')
    .argument('<id>', 'ID of the token, as `token create` prints it')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { revokeToken } = await send(serverOf(command), CliRevokeTokenDocument, {
        input: { id },
      })
      const { token: ended } = done(revokeToken)
      answer(isJson(command), ended, () => `Token ${ended.name} was revoked.`)
    })

  const organization = program.command('organization').description('create organizations')
  talking(organization.command('create'))
    .description('create an organization; you become its first admin')
    .argument('<name>', 'name of the organization, for people')
    .action(async (name: string, _options: unknown, command: Command) => {
      // the server makes it, not one of its organizations
      const server = { ...serverOf(command), organization: undefined }
      const { createOrganization } = await send(server, CliCreateOrganizationDocument, {
        input: { name },
      })
      const { organization: made } = done(createOrganization)
      answer(isJson(command), made, () => `Organization ${made.handle} (${made.id}) was created.`)
    })
}

function readRole(text: string): Role {
  const role = ROLES.find((one) => one === text.toUpperCase())
  if (role === undefined)
    throw new InvalidArgumentError('Enter viewer, worker, developer or admin.')
  return role
}
