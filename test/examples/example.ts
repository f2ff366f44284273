import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromiumPath } from '../../testkit/machine/chromium.ts'

const pathOf = (file: string): string =>
  fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))

/**
 * Whether an example can be tried: what it needs is installed by hand, or by CI, since that takes a network. Which
 * database there is makes no difference to it, so once is enough.
 */
export const canTry = (installed: string): boolean =>
  chromiumPath !== undefined &&
  existsSync(pathOf(installed)) &&
  process.env['TEST_DATABASE_URL'] === undefined

/** The title of the tests of an example. */
export const trying = (name: string, installed: string): string =>
  canTry(installed)
    ? `the ${name} example`
    : `the ${name} example (skipped: it takes a Chromium, examples/${name}/install.sh, and the embedded database)`

/** Deploys an example by its own command, as somebody with that token would, and tells its service. */
export async function deployExample(
  name: string,
  server: { url: string; token: string | undefined },
): Promise<{ id: string; invokeUrl: string }> {
  const child = spawn(pathOf(`${name}/deploy.sh`), ['--json'], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      MILLRACE_URL: server.url,
      MILLRACE_TOKEN: server.token,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null] // the event's own arguments
  if (code !== 0)
    throw new Error(`examples/${name}/deploy.sh ended with ${code}\n${stderr}\n${stdout}`)
  const { service } = JSON.parse(stdout) as { service: { id: string; invokeUrl: string } }
  return service
}
