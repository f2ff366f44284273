import { existsSync, readdirSync } from 'node:fs'
import { both, firstPost, type Fault } from './fault.ts'

/** Debian's libfaketime, where it is installed. */
const library = ['', ...readdirSync('/usr/lib')]
  .map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`)
  .find(existsSync)

/** A server is started with a clock that is so far off, and then with the right one. */
function off(name: string, by: string): Fault {
  return {
    name: `clock of a server ${name}`,
    on: both,
    isPossible: () => library !== undefined,
    holdMs: 8_000,
    async begin({ stage }) {
      const { server, env } = firstPost(stage)
      const fake = { LD_PRELOAD: library ?? '', FAKETIME: by, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
      await server.end('SIGKILL')
      Object.assign(env, fake)
      await server.start()
      return {
        async heal() {
          await server.end('SIGKILL')
          for (const name of Object.keys(fake)) delete env[name]
          await server.start()
        },
      }
    },
  }
}

export const clockFaults: readonly Fault[] = [
  off('an hour ahead', '+1h'),
  off('an hour behind', '-1h'),
]
