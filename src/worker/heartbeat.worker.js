// @ts-check
// Keeps the leases of a worker's jobs from a thread of its own, so that a handler that blocks the event loop, or
// a long garbage collection of its heap, costs no lease. All jobs that are held beat together: every third of a
// lease, sooner when there is progress to tell, and again after a pause when the server does not answer. JavaScript,
// because a thread is loaded by Node.js itself, from src/ as from dist/.
import { parentPort, workerData } from 'node:worker_threads'

/**
 * What the thread is told. `hold`: a lease, which may be old where the answer that brought it came late. `progress`:
 * how far a job is. `settle`: tell what progress is left, then say so. `drop`: the lease is done with.
 * @typedef {{ kind: 'hold', key: string, jobId: string, fence: string, isOld: boolean }
 *   | { kind: 'progress', key: string, fraction: number | undefined, message: string | undefined }
 *   | { kind: 'settle', key: string }
 *   | { kind: 'drop', key: string }} Order
 *
 * What it tells. `ready`: it listens. `lost`, `cancel`: of a job, once each. `settled`: answers `settle`. `refused`:
 * the server does not let the worker in.
 * @typedef {{ kind: 'ready' } | { kind: 'lost' | 'cancel' | 'settled', key: string }
 *   | { kind: 'refused', code: string, message: string }} Notice
 *
 * @typedef {{ url: string, headers: Record<string, string>, query: string, worker: string, leaseMs: number }} Settings
 *
 * @typedef {{ fraction?: number | undefined, message?: string | undefined }} Progress
 * @typedef {{ jobId: string, fence: string, news: Progress | undefined, isToldCancel: boolean }} Held
 */

/** Beats of one request. */
const AT_A_TIME = 500
/** How long progress waits for more of it. */
const GATHER_MS = 200
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

/** @type {Settings} */
const { url, headers, query, worker, leaseMs } = workerData
const intervalMs = leaseMs / 3
/** @type {Map<string, Held>} */
const held = new Map()
/** Keys whose `settle` waits. @type {Set<string>} */
const settling = new Set()
/** @type {NodeJS.Timeout | undefined} */
let timer
let dueAt = Infinity
let isBeating = false
/** Whether somebody asked for a beat while one was on its way. */
let isWantedAgain = false
let failures = 0

/** @param {Notice} notice */
const tell = (notice) => parentPort?.postMessage(notice, [])

/** Beats within so many milliseconds. @param {number} inMs */
function plan(inMs) {
  const at = performance.now() + inMs
  if (at >= dueAt) return
  dueAt = at
  clearTimeout(timer)
  timer = setTimeout(() => void beat(), inMs)
}

async function beat() {
  dueAt = Infinity
  if (isBeating) {
    isWantedAgain = true
    return
  }
  isBeating = true
  isWantedAgain = false
  const asked = [...settling]
  settling.clear()
  const keys = [...held.keys()]
  let isWell = true
  for (let from = 0; from < keys.length; from += AT_A_TIME)
    isWell = (await send(keys.slice(from, from + AT_A_TIME))) && isWell
  isBeating = false
  failures = isWell ? 0 : failures + 1
  // a last word is tried once: the report that waits for it matters more
  for (const key of asked) tell({ kind: 'settled', key })
  if (held.size > 0) plan(isWantedAgain ? 0 : isWell ? intervalMs : retryMs())
}

const retryMs = () =>
  Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS, intervalMs) * (0.5 + Math.random() / 2)

/** Sends one request; answers whether it was answered. @param {string[]} keys @returns {Promise<boolean>} */
async function send(keys) {
  const sent = keys.flatMap((key) => {
    const one = held.get(key)
    return one === undefined ? [] : [{ key, one, news: one.news }]
  })
  if (sent.length === 0) return true
  const beats = sent.map(({ one: { jobId, fence }, news }) => ({ jobId, fence, ...news }))
  const outcome = await post({ input: { worker, beats } })
  if (outcome === undefined) return false
  for (const [place, { key, one, news }] of sent.entries()) {
    const { isHeld = false, cancelRequested = false } = outcome[place] ?? {}
    if (one.news === news) one.news = undefined
    if (!isHeld && held.delete(key)) tell({ kind: 'lost', key })
    if (isHeld && cancelRequested && !one.isToldCancel) {
      one.isToldCancel = true
      tell({ kind: 'cancel', key })
    }
  }
  return true
}

/**
 * @param {object} variables
 * @returns {Promise<{ isHeld: boolean, cancelRequested: boolean }[] | undefined>}
 */
async function post(variables) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(Math.max(intervalMs, 1_000)),
    })
    const { data, errors } = await response.json()
    const code = errors?.[0]?.extensions?.code ?? data?.heartbeatJobs?.code
    if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN')
      tell({ kind: 'refused', code, message: errors?.[0]?.message ?? data.heartbeatJobs.message })
    return data?.heartbeatJobs?.heartbeats
  } catch {
    return undefined // no answer, or none of Millrace's
  }
}

parentPort?.on('message', (/** @type {Order} */ order) => {
  const one = held.get(order.key)
  switch (order.kind) {
    case 'hold':
      held.set(order.key, { ...order, news: undefined, isToldCancel: false })
      return plan(order.isOld ? 0 : intervalMs)
    case 'progress': {
      if (one === undefined) return
      const { fraction = one.news?.fraction, message = one.news?.message } = order
      one.news = { fraction, message }
      return plan(Math.min(GATHER_MS, intervalMs))
    }
    case 'settle':
      if (one?.news === undefined) return tell({ kind: 'settled', key: order.key })
      settling.add(order.key)
      return plan(0)
    case 'drop':
      held.delete(order.key)
      return
  }
})
tell({ kind: 'ready' })
