import { InvalidArgumentError, type Command } from 'commander'
import { readBaseUrl, withoutSecret } from '../kit/http/base-url.ts'
import type { ServerAccess } from './api.ts'
import { Refusal } from './refusal.ts'

interface SharedOptions {
  readonly url?: string
  readonly token?: string
  readonly organization?: string
  readonly json?: boolean
}

export const DEFAULT_URL = 'http://127.0.0.1:4000'

/** Adds the options of every command that calls the API. */
export function talking(command: Command): Command {
  return answering(command)
    .option('--url <url>', `address of the server (default: MILLRACE_URL, or ${DEFAULT_URL})`)
    .option(
      '--token <token>',
      'access token (default: MILLRACE_TOKEN, or the password in the URL, or none)',
    )
    .option(
      '--organization <handle>',
      'organization to act in, for members of several: handle, ID, or its ID in an older system (default: MILLRACE_ORGANIZATION, or the user name in the URL, or all)',
    )
}

/** Adds the options of every command. */
export function answering(command: Command): Command {
  return command.option('--json', 'print the result as JSON')
}

/** The server and the credential that a command uses. */
export function serverOf(command: Command): ServerAccess {
  const { url, token, organization } = command.optsWithGlobals<SharedOptions>()
  const text = url ?? nonEmpty(process.env['MILLRACE_URL']) ?? DEFAULT_URL
  const base = readBaseUrl(text)
  if (base === undefined)
    throw new Refusal(
      `${JSON.stringify(withoutSecret(text))} is not a URL. Example: ${DEFAULT_URL}`,
    )
  return {
    url: base.url,
    token: nonEmpty(token) ?? nonEmpty(process.env['MILLRACE_TOKEN']) ?? base.token,
    organization:
      nonEmpty(organization) ?? nonEmpty(process.env['MILLRACE_ORGANIZATION']) ?? base.organization,
  }
}

export const isJson = (command: Command): boolean =>
  command.optsWithGlobals<SharedOptions>().json === true

function nonEmpty(text: string | undefined): string | undefined {
  return text?.trim() || undefined
}

/** Reads a whole number of at least `least`. */
export const readWhole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value))
      throw new InvalidArgumentError(`Enter a whole number of at least ${least}.`)
    return value
  }
