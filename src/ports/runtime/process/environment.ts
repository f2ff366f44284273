import { type InstanceSpec, StartFailed } from '../runtime.ts'
import type { Home } from './homes.ts'

/**
 * The whole environment of a process: what the spec says and what it cannot do without. Of the server's own there is
 * only PATH. Throws StartFailed for a name that no shell hands on.
 */
export function environmentOf(
  { environment, program }: Pick<InstanceSpec, 'environment' | 'program'>,
  home: Home,
  port: number,
): Record<string, string> {
  for (const [name, value] of Object.entries(environment))
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0'))
      throw new StartFailed(
        `The environment variable ${JSON.stringify(name)} cannot be set: names have letters, digits and "_" only, values no NUL.`,
      )
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    ...environment,
    PORT: String(port),
    HOST: '127.0.0.1',
    HOME: home.folder,
    TMPDIR: home.temporary,
    ...(program.kind === 'command' ? {} : { HANDLER: program.handler }),
  }
}
