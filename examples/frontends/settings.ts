import { WebSocket } from 'ws'
import type { Settings } from './tell.ts'

// browsers and Node.js from 22 on have one of their own
globalThis.WebSocket ??= WebSocket as never

/** What the samples are told in Node.js. A browser's page has these from elsewhere. */
export function settings(): Settings {
  const service = process.argv[2]
  if (service === undefined) throw new Error('Name a service to follow: its handle or id.')
  return {
    url: process.env.MILLRACE_URL ?? 'http://127.0.0.1:4000',
    token: process.env.MILLRACE_TOKEN,
    service,
    print: console.log,
  }
}
