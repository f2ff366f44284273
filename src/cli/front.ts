import { InvalidArgumentError } from 'commander'
import { CliOwnOrganizationDocument } from '../generated/operations/graphql.ts'
import { frontCalled, frontWords, type FrontWord } from '../rest/fronts.ts'
import { send, type ServerAccess } from './api.ts'

type Variables = Readonly<Record<string, string>>

/**
 * Environment variables by which the clients of a front find this server, with a token of the organization that the
 * caller acts in.
 */
export async function variablesOf(
  word: FrontWord,
  server: ServerAccess,
  token: string,
): Promise<Variables | undefined> {
  const front = frontCalled(word)
  if (front === undefined) return undefined
  const { viewer } = await send(server, CliOwnOrganizationDocument, { front: front.name })
  const { handle, address } = viewer.organization
  return front.clientEnvironment({ url: server.url, handle, address: address ?? undefined, token })
}

/** Lines to be pasted into a shell, which takes the values as they are. */
export const exported = (variables: Variables): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`)
    .join('\n')

export function readFront(text: string): FrontWord {
  const word = frontWords.find((one) => one === text.toLowerCase())
  if (word === undefined) throw new InvalidArgumentError(`Enter one of ${frontWords.join(', ')}.`)
  return word
}
