// Writes what the Relay sample imports. relay-compiler is a program for each platform; where there is none that
// runs, such as on musl, everything but that sample works, so this only says so.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import compiler from 'relay-compiler'

const cwd = fileURLToPath(new URL('../examples/frontends/relay/', import.meta.url))
const { error, status } = spawnSync(
  compiler ?? 'relay-compiler-for-this-platform',
  ['--output', 'quiet-with-errors'],
  {
    cwd,
    stdio: 'inherit',
  },
)
if (error)
  console.warn(
    `The Relay sample was left out: relay-compiler does not run here (${error.message}).`,
  )
process.exitCode = error ? 0 : (status ?? 1)
