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
} as const

async function abejaId(server: Server, organization: string | undefined): Promise<string> {
  const found =
    organization === undefined
      ? (await send(server, CliOwnFrontAddressDocument, {})).viewer.organization
      : (await send(server, CliFrontAddressDocument, { organization })).organization
  return found.address ?? ''
}

/** Lines to be pasted into a shell. */
export const exported = (variables: Variables): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'`)
    .join('\n')

export function readFront(text: string): keyof typeof variablesOf {
  const name = text.toLowerCase()
  if (name === 'abeja') return name
  throw new InvalidArgumentError('Give abeja.')
}
