import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const python = at('../../.venv/bin/python')
const run = promisify(execFile)
const isThere = await run(python, ['-c', 'import gql']).then(
  () => true,
  () => false,
)

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

it.skipIf(!isThere)(
  'gql for Python reads the schema, makes a mutation and a query of it, and sends them (without gql in .venv it is skipped)',
  async () => {
    const args = [
      at('gql-client.py'),
      at('../../schema.graphql'),
      `${app.url}/graphql`,
      String(app.admin.token),
      'of gql',
    ]
    const { stdout } = await run(python, args)
    expect(stdout).toBe('of gql\n')
  },
)
