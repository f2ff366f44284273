import type { Command } from 'commander'
import type { Started } from '../app.ts'
import { inJson } from '../kit/controls.ts'
import { outageIn } from '../kit/errors.ts'
import { answering, DEFAULT_URL, isJson } from './command.ts'
import { answer, note } from './output.ts'
import { codeOf, reasonOf, Refusal } from './refusal.ts'

/** `serve`: the server itself. Everything of it is loaded only here, so that the other commands start fast. */
export function addServe(program: Command): void {
  answering(program.command('serve'))
    .description('run the server; its settings are environment variables')
    .action(async (_options: unknown, command: Command) => {
      const { config, ConfigError } = await settings()
      const { DataFolderInUse } = await import('../db/data-folder.ts')
      const { MigrationRefused } = await import('../db/migrate.ts')
      const { createApp } = await import('../app.ts')
      const { pino } = await import('pino')
      const { errorFields } = await import('../kit/error-fields.ts')
      const { logLevel: level } = config
      const stderr = pino.destination(2)
      const written = { write: (line: string) => void stderr.write(inJson(line)) }
      const log = pino({ level, serializers: { err: errorFields } }, written)
      try {
        // stdout is for the answer, as everywhere
        const app = createApp(config, log)
        const stopped = stopOnSignal(() => app.close())
        const started = await Promise.race([app.start(), stopped])
        if (started !== undefined)
          answer(isJson(command), { ...started, auth: config.auth }, () =>
            welcome(started, config.auth === 'open'),
          )
        await stopped
      } catch (error) {
        if (
          error instanceof ConfigError ||
          error instanceof DataFolderInUse ||
          error instanceof MigrationRefused
        )
          throw new Refusal(error.message, { cause: error })
        throw inWords(error, config)
      }
      process.exit(0)
    })
}

/** The settings of the environment. Throws a Refusal that lists what is wrong with them. */
export async function settings() {
  const { ConfigError, environment, readConfig } = await import('../config.ts')
  try {
    return { config: readConfig(environment()), ConfigError }
  } catch (error) {
    if (error instanceof ConfigError) throw new Refusal(error.message, { cause: error })
    throw error
  }
}

/** What the system refuses, as a sentence that says what to do; other errors are faults and stay what they are. */
export function inWords(
  error: unknown,
  config: { host: string; port: number; databaseUrl?: string | undefined },
): unknown {
  const { host, port, databaseUrl } = config
  const outage = outageIn(error)
  if (outage !== undefined) {
    const of = databaseUrl === undefined ? 'in DATA_DIR' : 'of DATABASE_URL'
    const what = outage.missing === 'database' ? `The database ${of}` : `The ${outage.missing}`
    return new Refusal(`${what} is not available: ${reasonOf(outage.cause ?? outage)}.`)
  }
  // an answer of PostgreSQL: no such database, a wrong password
  if (databaseUrl !== undefined && error instanceof Error && 'severity' in error)
    return new Refusal(`The database of DATABASE_URL refused the connection: ${error.message}.`)
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new Refusal(
        `Port ${port} of ${host} is in use. Stop the program that uses it, or set PORT to another port (0 takes any free port).`,
      )
    case 'EADDRNOTAVAIL':
      return new Refusal(
        `This machine does not have the address ${host}. Set HOST to an address of this machine.`,
      )
    case 'EACCES':
      return new Refusal(`The operating system denied access: ${reasonOf(error)}.`)
    default:
      return error
  }
}

/** Resolves once the server has drained behind a first signal; a second one ends the process at once. */
function stopOnSignal(close: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let isStopping = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (isStopping && signal === 'SIGINT') process.exit(130)
        if (isStopping) return
        isStopping = true
        note('Stopping after the running requests. Press Ctrl-C again to stop at once.')
        close().then(resolve, reject)
      })
  })
}

const welcome = ({ url, fronts, tokenFile, unwalled }: Started, isOpen: boolean): string => `
Millrace is ready.

  GraphQL       ${url}/graphql  (HTTP, WebSocket and SSE; in a browser: GraphiQL)
  Older systems ${url}/docs${Object.entries(fronts)
    .map(([name, root]) => `  ${name.toLowerCase()}: ${root}`)
    .join('')}
  Health        ${url}/healthz  ${url}/readyz
  Admin token   ${tokenFile ?? 'the value of ADMIN_TOKEN'}
  Access        ${
    isOpen
      ? 'AUTH is open: everybody on this machine acts as admin, without a token'
      : 'AUTH is token: send a token as "Authorization: Bearer …"'
  }
  Services      ${
    unwalled === undefined
      ? 'each runs as a separate operating-system user'
      : `${unwalled} Everybody who may deploy must be trusted with the server`
  }

Deploy something: ${url === DEFAULT_URL ? '' : `MILLRACE_URL=${url} `}npx millrace deploy examples/text-stats
`
