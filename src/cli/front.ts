import { InvalidArgumentError } from 'commander'
import { CliOwnOrganizationDocument } from '../generated/operations/graphql.ts'
import { send, type ServerAccess } from './api.ts'

type Variables = Readonly<Record<string, string>>

/**
 * Environment variables by which clients of an old system find this server, with a token of the organization that the
 * caller acts in and what else they need.
 */
export const variablesOf = {
  /** Of ABEJA's SDK and command line. The user name makes calls of services work without any entry in the DNS. */
  async abeja(server: ServerAccess, secret: string): Promise<Variables> {
    const { address } = await ownOrganization(server)
    return {
      ABEJA_API_URL: `${server.url.replace('://', '://x@')}/abeja`,
      ABEJA_ORGANIZATION_ID: address ?? '',
      PLATFORM_AUTH_TOKEN: secret,
    }
  },
  /** The base URL that clients of TopChef are given, by hand or by a script of the lab: they know of no credential. */
  async topchef(server: ServerAccess, secret: string): Promise<Variables> {
    const { handle } = await ownOrganization(server)
    return { TOPCHEF_URL: `${server.url.replace('://', `://${handle}:${secret}@`)}/topchef` }
  },
} as const

const names = Object.keys(variablesOf) as (keyof typeof variablesOf)[] // its own keys

/** The fronts whose clients can be told. */
export const toldFronts = names.join(', ')

const ownOrganization = async (server: ServerAccess) =>
  (await send(server, CliOwnOrganizationDocument, {})).viewer.organization

/** Lines to be pasted into a shell, which takes the values as they are. */
export const exported = (variables: Variables): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`)
    .join('\n')

export function readFront(text: string): keyof typeof variablesOf {
  const name = names.find((one) => one === text.toLowerCase())
  if (name === undefined) throw new InvalidArgumentError(`Give one of ${toldFronts}.`)
  return name
}
