// @ts-check
// Claims jobs and keeps their leases, in a thread of its own: a handler that blocks the event loop, or a long garbage
// collection of its heap, costs neither the lease of its own job nor that of one that comes meanwhile. All jobs that
// are held beat together: every third of a lease, sooner when there is progress to tell, and again after a pause when
// the server does not answer. JavaScript, because a thread is loaded by Node.js itself, from src/ as from dist/.
import { parentPort, workerData } from 'node:worker_threads'
import { send as sendTo } from './send.js'
import { keyOf, reasonOf } from './words.js'

/**
 * What the thread is told. `claim`: send a request, and hold the leases that it brings, which are old when an earlier
 * answer was lost; `break` it off. `hold`: a lease that somebody listens for. `progress`: how far a job is. `settle`:
 * tell what progress is left, then say so. `drop`: the lease is done with.
 * @typedef {{ kind: 'claim', id: number, body: string, timeoutMs: number, isAgain: boolean }
 *   | { kind: 'break', id: number }
 *   | { kind: 'hold', key: string, jobId: string, fence: string }
 *   | { kind: 'progress', key: string, fraction: number | undefined, message: string | undefined }
 *   | { kind: 'settle', key: string }
 *   | { kind: 'drop', key: string }} Order
 *
 * What it tells. `ready`: it listens. `answered`: a claim, or why there is no answer. `lost`, `cancel`: of a job.
 * `settled`: answers `settle`. `refused`: the server does not let the worker in.
 * @typedef {{ kind: 'ready' }
 *   | { kind: 'answered', id: number, reply: import('./api.ts').HttpReply | string }
 *   | { kind: 'lost' | 'cancel' | 'settled', key: string }
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
const { query, worker, leaseMs, ...endpoint } = workerData
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
  const outcome = await post({ input: { worker, jobs: beats } })
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
    const signal = AbortSignal.timeout(Math.max(intervalMs, 1_000))
    const { text } = await sendTo(endpoint, JSON.stringify({ query, variables }), signal)
    const { data, errors } = JSON.parse(text)
    const code = errors?.[0]?.extensions?.code ?? data?.heartbeatJobs?.code
    if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN')
      tell({ kind: 'refused', code, message: errors?.[0]?.message ?? data.heartbeatJobs.message })
    return data?.heartbeatJobs?.heartbeats
  } catch {
    return undefined // no answer, or none of Millrace's
  }
}

/** Claims that are on their way. @type {Map<number, AbortController>} */
const claims = new Map()

/** @param {Extract<Order, { kind: 'claim' }>} order */
async function claim({ id, body, timeoutMs, isAgain }) {
  const call = new AbortController()
  claims.set(id, call)
  const late = setTimeout(() => call.abort(new Error('no answer in time')), timeoutMs)
  try {
    const reply = await sendTo(endpoint, body, call.signal)
    holdAll(reply.text, isAgain)
    tell({ kind: 'answered', id, reply })
  } catch (cause) {
    tell({ kind: 'answered', id, reply: reasonOf(cause) })
  } finally {
    clearTimeout(late)
    claims.delete(id)
  }
}

/** Holds what a claim has brought. @param {string} text @param {boolean} isAgain */
function holdAll(text, isAgain) {
  /** @type {{ job: { id: string }, fence: string }[]} */
  const leases = parsed(text)?.data?.claimJobs?.leases ?? []
  for (const { job, fence } of leases) hold(job.id, fence)
  if (leases.length > 0) plan(isAgain ? 0 : intervalMs)
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // for whoever reads the answer to say
  }
}

/** Holds a lease; what is known of one that is held already is told again. @param {string} jobId @param {string} fence */
function hold(jobId, fence) {
  const key = keyOf(jobId, fence)
  held.set(key, { jobId, fence, news: held.get(key)?.news, isToldCancel: false })
}

parentPort?.on('message', (/** @type {readonly Order[]} */ orders) => orders.forEach(obey))

/** @param {Order} order */
function obey(order) {
  switch (order.kind) {
    case 'claim':
      return void claim(order)
    case 'break':
      return claims.get(order.id)?.abort(new Error('it was broken off'))
    case 'hold':
      hold(order.jobId, order.fence)
      return plan(intervalMs)
    case 'progress': {
      const one = held.get(order.key)
      if (one === undefined) return
      const { fraction = one.news?.fraction, message = one.news?.message } = order
      one.news = { fraction, message }
      return plan(Math.min(GATHER_MS, intervalMs))
    }
    case 'settle':
      if (held.get(order.key)?.news === undefined) return tell({ kind: 'settled', key: order.key })
      settling.add(order.key)
      return plan(0)
    case 'drop':
      held.delete(order.key)
      return
  }
}
tell({ kind: 'ready' })
