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
export const rival = (name: 'bare' | 'mercurius', databaseUrl: string): Promise<Rival> =>
  started('rivals.mjs', name, { DATABASE_URL: databaseUrl })

/** Starts a proxy before an instance that does nothing but check one header. */
export const proxy = (target: string, authorization: string, key: string): Promise<Rival> =>
  started('proxy.mjs', 'proxy', { TARGET: target, AUTHORIZATION: authorization, KEY: key })

async function started(
  program: string,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Rival> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, [file, name], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
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
