// A worker that speaks the protocol by itself, without any library, and writes down what it was answered before it
// does anything else, so that a test can hold the server to it whenever the worker was killed. Its environment:
// URLS, TOKEN, SERVICE, NAME, DIARY (a file), CONCURRENCY, LEASE_SECONDS.
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const env = (/** @type {string} */ name) => process.env[name] ?? ''
const urls = env('URLS').split(',')
const service = env('SERVICE')
const name = env('NAME')
const leaseSeconds = Number(env('LEASE_SECONDS'))

const note = (/** @type {object} */ entry) =>
  appendFileSync(env('DIARY'), `${JSON.stringify({ ...entry, worker: name })}\n`)

let turn = 0

/**
 * Asks one server after the other until one answers: each operation here can be sent again.
 * @param {string} query @param {object} variables
 */
async function ask(query, variables) {
  for (;;) {
    const url = urls[turn % urls.length]
    try {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${env('TOKEN')}` },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(30_000),
      })
      const { data, errors } = await response.json()
      if (errors === undefined) return data
      note({ what: 'error', errors })
    } catch {
      // the server was killed, or starts
    }
    turn += 1
    await pause(100)
  }
}

const CLAIM = `mutation($input: ClaimJobsInput!) { claimJobs(input: $input) { __typename
  ... on ClaimJobsSuccess { leases { attempt fence job { id parameters } } } ... on UserError { message } } }`
const BEAT = `mutation($input: HeartbeatJobsInput!) { heartbeatJobs(input: $input) { __typename
  ... on HeartbeatJobsSuccess { heartbeats { jobId isHeld cancelRequested } } ... on UserError { message } } }`
const COMPLETE = `mutation($input: CompleteJobInput!) { completeJob(input: $input) { __typename
  ... on StaleLease { attempt } ... on UserError { message } } }`
const FAIL = `mutation($input: FailJobInput!) { failJob(input: $input) { __typename ... on UserError { message } } }`

/** @type {Map<string, { jobId: string, fence: string }>} */
const held = new Map()

/** @param {{ attempt: number, fence: string, job: { id: string, parameters: { n: number, ms: number, fails: number } } }} lease */
async function work({ attempt, fence, job: { id: jobId, parameters } }) {
  note({ what: 'claimed', jobId, fence, attempt })
  held.set(jobId, { jobId, fence })
  await pause(parameters.ms)
  held.delete(jobId)
  if (attempt <= parameters.fails) {
    const input = { jobId, fence, message: 'not yet', isRetryable: true }
    const { failJob } = await ask(FAIL, { input })
    return note({ what: 'failed', jobId, fence, attempt, answer: failJob.__typename })
  }
  const input = { jobId, fence, result: { n: parameters.n, attempt } }
  const { completeJob } = await ask(COMPLETE, { input })
  note({ what: 'completed', jobId, fence, attempt, answer: completeJob.__typename })
}

setInterval(
  () => {
    if (held.size === 0) return
    const beats = [...held.values()]
    void ask(BEAT, { input: { worker: name, jobs: beats } })
  },
  (leaseSeconds * 1000) / 3,
)

async function loop() {
  for (;;) {
    const input = {
      serviceIds: [service],
      worker: name,
      claimId: randomUUID(),
      max: 5,
      leaseSeconds,
      waitSeconds: 2,
    }
    const { claimJobs } = await ask(CLAIM, { input })
    if (claimJobs.__typename !== 'ClaimJobsSuccess') {
      note({ what: 'refused', message: claimJobs.message })
      await pause(200)
      continue
    }
    await Promise.all(claimJobs.leases.map(work))
  }
}
await Promise.all(Array.from({ length: Number(env('CONCURRENCY')) }, loop))
