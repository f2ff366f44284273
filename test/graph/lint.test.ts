import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)

test('graphql-schema-linter finds nothing, by all its rules', async () => {
  const linter = join(dirname(require.resolve('graphql-schema-linter')), 'cli.js')
  const schema = fileURLToPath(new URL('../../schema.graphql', import.meta.url))
  const linting = promisify(execFile)(process.execPath, [linter, '--format=json', schema])
  const { stdout } = await linting.catch((failure: { stdout: string }) => failure)
  expect(JSON.parse(stdout)).toEqual({ errors: [] })
})
