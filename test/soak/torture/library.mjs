// A worker made with `millrace/worker` that does the same as worker.mjs and is started in the same way.
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createWorker } from '../../../dist/worker/index.js'

const env = (/** @type {string} */ name) => process.env[name] ?? ''
const urls = env('URLS').split(',')

/** @param {object} entry */
const note = (entry) =>
  appendFileSync(env('DIARY'), `${JSON.stringify({ ...entry, worker: env('NAME') })}\n`)

const worker = createWorker({
  url: urls[Number(env('PLACE')) % urls.length] ?? '',
  token: env('TOKEN'),
  service: env('SERVICE'),
  name: env('NAME'),
  concurrency: Number(env('CONCURRENCY')) * 5,
  leaseSeconds: Number(env('LEASE_SECONDS')),
  async handler({ job: { id: jobId, attempt }, parameters }) {
    const { n, ms, fails } = /** @type {{ n: number, ms: number, fails: number }} */ (parameters)
    note({ what: 'claimed', jobId, attempt, fence: String(attempt) })
    await pause(ms)
    if (attempt <= fails) throw new Error('not yet')
    return { n, attempt }
  },
})
await worker.finished
