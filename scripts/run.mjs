// Runs commands as `npm run` does, with the programs of node_modules/.bin, and keeps what they print.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const env = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
}

/** Runs a command line and answers whether it went well, what it printed and how long it took. */
export function run(command) {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      cwd: root,
      env,
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const chunks = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (status) =>
      resolve({
        isDone: status === 0,
        output: Buffer.concat(chunks).toString(),
        seconds: (performance.now() - began) / 1000,
      }),
    )
  })
}

/** Runs a script of package.json. */
export const runScript = (name) => run(scripts[name])
