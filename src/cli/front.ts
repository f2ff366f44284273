import { InvalidArgumentError } from 'commander'
import {
  CliFrontAddressDocument,
  CliOwnFrontAddressDocument,
} from '../generated/operations/graphql.ts'
import { send, type Server } from './api.ts'

type Variables = Readonly<Record<string, string>>

/** Environment variables by which clients of an old system find this server, with a token and what else they need. */
export const variablesOf = {
  /** Of ABEJA's SDK and command line. The user name makes calls of services work without any entry in the DNS. */
  async abeja(
    server: Server,
    secret: string,
    organization: string | undefined,
  ): Promise<Variables> {
    const id = await abejaId(server, organization)
    return {
      ABEJA_API_URL: `${server.url.replace('://', '://x@')}/abeja`,
      ABEJA_ORGANIZATION_ID: id,
      PLATFORM_AUTH_TOKEN: secret,
    }
  },
  /** The base URL that clients of TopChef are given, by hand or by a script of the lab: they know of no credential. */
  async topchef(server: Server, secret: string): Promise<Variables> {
    return { TOPCHEF_URL: `${server.url.replace('://', `://any:${secret}@`)}/topchef` }
  },
} as const

const names = Object.keys(variablesOf) as (keyof typeof variablesOf)[] // its own keys

/** The fronts whose clients can be told. */
export const toldFronts = names.join(', ')

async function abejaId(server: Server, organization: string | undefined): Promise<string> {
  const found =
    organization === undefined
      ? (await send(server, CliOwnFrontAddressDocument, {})).viewer.organization
      : (await send(server, CliFrontAddressDocument, { organization })).organization
  return found.address ?? ''
}

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
