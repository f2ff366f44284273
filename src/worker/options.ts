import { hostname } from 'node:os'
import { readBaseUrl, withoutSecret } from '../kit/http/base-url.ts'
import type { WorkerEvent } from './events.ts'
import type { Handler } from './job.ts'

/** What a worker is to do, and for whom. */
export interface WorkerOptions<Parameters = unknown> {
  /**
   * Where Millrace is, such as `http://127.0.0.1:4000`. A user name and a password in it are organization and token,
   * where these are not given.
   */
  readonly url: string
  /** A token with the role WORKER; none for an open server. */
  readonly token?: string | undefined
  /** The only organization to work in, for a token that is good for several: handle, id or address. */
  readonly organization?: string | undefined
  /** Whose jobs to do: id, handle or address of a queue. */
  readonly service?: string | undefined
  /** Several of them, of one organization. */
  readonly services?: readonly string[] | undefined
  /** Does one job. */
  readonly handler: Handler<Parameters>
  /** How many jobs at a time: 1 when absent, at most 1,000. */
  readonly concurrency?: number | undefined
  /**
   * How many further jobs it claims before it has room for them, so that the next is there when one ends: none when
   * absent, at most 1,000. For jobs shorter than the way to the server. What is claimed ahead is RUNNING for everybody
   * else, its `timeoutSeconds` too, and nobody else does it meanwhile.
   */
  readonly prefetch?: number | undefined
  /** What it calls itself; the name of the machine and the number of the process when absent. */
  readonly name?: string | undefined
  /** After which silence a job is given to another worker: 30 when absent. It beats three times as often. */
  readonly leaseSeconds?: number | undefined
  /** How long running handlers may go on once it stops: 25 when absent. */
  readonly graceSeconds?: number | undefined
  /** Stops it when it fires, as `stop()` does. */
  readonly signal?: AbortSignal | undefined
  /**
   * Signals of the system that stop it: SIGTERM and SIGINT when absent. A second one of them ends the process as it
   * would without a worker. Give `[]` where the process sees to that itself.
   */
  readonly stopOn?: readonly NodeJS.Signals[] | undefined
  /** Hears what happens; `inWords` makes a line of it. What it throws is an uncaught exception. */
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined
}

/** The same, whole. */
export interface Settings {
  readonly endpoint: { readonly url: string; readonly headers: Readonly<Record<string, string>> }
  readonly serviceIds: readonly string[]
  readonly concurrency: number
  readonly prefetch: number
  readonly name: string
  readonly leaseSeconds: number
  readonly graceMs: number
}

/** Throws TypeError for what makes no sense. */
export function readOptions(options: WorkerOptions<never>): Settings {
  const { url, service, services = service === undefined ? [] : [service] } = options
  const base = readBaseUrl(url)
  if (base === undefined)
    throw new TypeError(
      `url: ${JSON.stringify(withoutSecret(url))} is not like http://127.0.0.1:4000.`,
    )
  if (services.length === 0) throw new TypeError('service: say whose jobs to do.')
  return {
    endpoint: {
      url: `${base.url}/graphql`,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...authorization(options.token || base.token, options.organization || base.organization),
      },
    },
    serviceIds: services,
    concurrency: whole('concurrency', options.concurrency ?? 1, 1, 1_000),
    prefetch: whole('prefetch', options.prefetch ?? 0, 0, 1_000),
    name: options.name ?? `${hostname()}/${process.pid}`,
    leaseSeconds: whole('leaseSeconds', options.leaseSeconds ?? 30, 1, 3_600),
    graceMs: whole('graceSeconds', options.graceSeconds ?? 25, 0, 86_400) * 1_000,
  }
}

/** The user name of Basic names the organization. */
function authorization(token = '', organization = ''): Readonly<Record<string, string>> {
  if (organization !== '') {
    const basic = Buffer.from(`${organization}:${token}`).toString('base64')
    return { authorization: `Basic ${basic}` }
  }
  return token === '' ? {} : { authorization: `Bearer ${token}` }
}

function whole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new TypeError(`${name}: give a whole number from ${least} to ${most}.`)
  return value
}
