// Writes src/generated. Prisma looks for an engine it does not use here and would download; any file that is
// there contents it.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js')
const { status, error } = spawnSync(
  process.execPath,
  [prisma, 'generate', '--no-hints', '--config', 'prisma/prisma.config.ts'],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      // the second generator is found by its command's name
      PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    },
  },
)
if (error) throw error
process.exitCode = status ?? 1
