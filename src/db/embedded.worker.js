// @ts-check
// The thread that PostgreSQL lives in. JavaScript, because a worker's entry cannot be TypeScript on Node 20.
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { Bridge } from './bridge.js'

/** @typedef {{ folder: string, idleInTransactionMs: number, running: Int32Array }} EmbeddedOptions */
/** @typedef {{ kind: 'connect', port: import('node:worker_threads').MessagePort } | { kind: 'close' }} Command */

/** @type {EmbeddedOptions} */
const { folder, idleInTransactionMs, running } = workerData
const parent = parentPort
if (!parent) throw new Error('This file is the entry of a worker thread.')

const db = await PGlite.create({ dataDir: folder })
// As sessions on a server are started (server-config.ts).
await db.exec(
  `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET random_page_cost = 1.1; SET enable_seqscan = off; SET jit = off`,
)

/** @param {string} name */
async function setting(name) {
  const { rows } = await db.query('SELECT current_setting($1) AS value', [name])
  const [row] = /** @type {{ value: string }[]} */ (rows)
  return row?.value ?? ''
}

const told = ['server_version', 'server_encoding', 'client_encoding', 'DateStyle', 'TimeZone']
/** @type {Record<string, string>} */
const settings = { integer_datetimes: 'on', standard_conforming_strings: 'on' }
for (const name of told) settings[name] = await setting(name)

let batches = 0
const bridge = new Bridge({
  settings,
  idleInTransactionMs,
  execute: (bytes, onData) =>
    db.runExclusive(async () => {
      batches = (batches % 0x7fffffff) + 1
      Atomics.store(running, 0, batches) // so that the main thread can see a batch that does not end
      await db.execProtocolRawStream(bytes, { syncToFs: false, onRawData: onData })
      Atomics.store(running, 0, 0)
    }),
})

parent.on('message', (/** @type {Command} */ command) => {
  if (command.kind === 'connect') bridge.connect(command.port)
  else void close()
})
parent.postMessage('ready', [])

async function close() {
  await db.close()
  process.exit(0) // ends the thread, not the process
}
