import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Another server that answers the same from the same rows, as a process of its own. */
export interface Rival {
  readonly name: string
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** Starts one of `rivals.mjs`. */
export async function rival(name: 'bare' | 'mercurius', databaseUrl: string): Promise<Rival> {
  const file = fileURLToPath(new URL('rivals.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, name], {
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    name,
    url: line.toString().trim(),
    pid: child.pid ?? 0,
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}
