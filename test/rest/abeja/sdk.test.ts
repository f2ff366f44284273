import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { millrace } from '../../../testkit/cli.ts'

/*
 * The official SDK (abeja-sdk 2.3.5), pointed at this server by nothing but environment variables. It is installed by
 * `python3 -m venv .venv && .venv/bin/pip install -r python/requirements-test.txt`, which CI does. From nothing to a
 * running service and its end (contract abeja 1.1, 1.3, 1.4, 2.3, 4, 4.1, 4.2, 4.4, 5 and 6).
 */
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const python = at('../../../.venv/bin/python')
const isThere = existsSync(python) && (await runs(['-c', 'import abeja']))

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

async function runs(args: readonly string[]): Promise<boolean> {
  const child = spawn(python, args, { stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

test.skipIf(!isThere)(
  'the SDK does all that is offered, through a URL that needs no DNS (without abeja-sdk in .venv it is skipped)',
  { timeout: 180_000 },
  async () => {
    const { stdout, stderr, code } = await millrace(
      ['token', 'create', '--front', 'abeja', '--json'],
      { env: { MILLRACE_URL: app.url, MILLRACE_TOKEN: app.admin.token ?? '' } },
    )
    if (code !== 0) throw new Error(stderr)
    const { variables } = JSON.parse(stdout) as { variables: Record<string, string> }
    expect(variables['ABEJA_API_URL']).toBe(`${app.url.replace('//', '//x@')}/abeja`)
    const child = spawn(python, [at('sdk.py')], {
      env: { PATH: process.env['PATH'], PYTHONWARNINGS: 'ignore', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(child, 'close')
    // the SDK warns of what it calls deprecated
    expect(said.trim().split('\n').at(-1), said).toBe('all of it')
  },
)
