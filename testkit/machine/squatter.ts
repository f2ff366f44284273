import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Number of the user that takes ports of others, where this process may change users. */
export const SQUATTER = 65_534
export const isRoot = process.getuid?.() === 0

const PROGRAM = `
  const [port, host] = process.argv.slice(1)
  if (process.getuid() === 0) process.setuid(${SQUATTER})
  require('node:net').createServer((socket) => socket.end()).listen(Number(port), host, () => console.log('up'))`

/** Listens on a port in a process of another user, or of our own where there is no other; answers how to end it. */
export async function squat(port: number, host = '127.0.0.1'): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ['-e', PROGRAM, String(port), host], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error(`Nobody can listen on ${host}:${port}.`)
    }),
  ])
  return async () => {
    child.kill('SIGKILL')
    await ended
  }
}
