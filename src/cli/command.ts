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

/** Adds what every command that talks to the API has. */
export function talking(command: Command): Command {
  return answering(command)
    .option('--url <url>', `where Millrace is (MILLRACE_URL, else ${DEFAULT_URL})`)
    .option(
      '--token <token>',
      'the credential (MILLRACE_TOKEN, else the password of the URL, else none)',
    )
    .option(
      '--organization <handle>',
      'the only organization to act in, for members of several: handle or id, also that of an old system (MILLRACE_ORGANIZATION, else the user name of the URL, else all)',
    )
}

/** Adds what every command has. */
export function answering(command: Command): Command {
  return command.option('--json', 'answer as one JSON document')
}

/** Where the command is to go. */
export function serverOf(command: Command): ServerAccess {
  const { url, token, organization } = command.optsWithGlobals<SharedOptions>()
  const text = url ?? nonEmpty(process.env['MILLRACE_URL']) ?? DEFAULT_URL
  const base = readBaseUrl(text)
  if (base === undefined)
    throw new Refusal(
      `${JSON.stringify(withoutSecret(text))} is not a URL: write it like ${DEFAULT_URL}.`,
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
      throw new InvalidArgumentError(`Give a whole number of at least ${least}.`)
    return value
  }
