import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { millrace } from '../../testkit/cli.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { Job, JobStatus, Submit } from '../../testkit/operations/jobs.ts'
import { CreateService } from '../../testkit/operations/services.ts'
import { jobBecomes, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { Python, startWorker, workshop } from '../python/worker.ts'
import { stopAll, work } from '../worker/support.ts'

/* A server that runs the documents of this test and no others, but for those of the clients that come with it. */
let app: TestApp
let folder: TestFolder
let python: TestFolder
beforeAll(async () => {
  const documents = { CreateService, Submit, Job, JobStatus }
  const texts = Object.entries(documents).map(([name, text]) => [name, String(text)])
  folder = await testFolder({ 'documents.json': JSON.stringify(Object.fromEntries(texts)) })
  app = await testApp({ TRUSTED_DOCUMENTS: join(folder.path, 'documents.json') })
  python = await workshop(app.url)
})
afterEach(stopAll)
afterAll(async () => {
  await app.close()
  await python.remove()
  await folder.remove()
})

const credentials = () => ({ MILLRACE_URL: app.url, MILLRACE_TOKEN: app.admin.token ?? '' })
const run = (...args: string[]) => millrace(args, { env: credentials() })

test('a worker in TypeScript works for it, with its log, progress, failures and what it gives back', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 2 })
  const { worker, events } = work(
    app.admin,
    queue,
    async ({ job, log, progress, signal }) => {
      await log('a line')
      progress(0.5, 'half')
      if (job.attempt === 1) throw new Error('the first time')
      if (job.attempt === 3) return 'done'
      const stopped = new Promise<never>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('stopped'))),
      )
      void worker.stop()
      return stopped
    },
    { graceSeconds: 0 },
  )
  await worker.finished
  expect(events.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['claimed', 'failed', 'released', 'stopped']),
  )
  work(app.admin, queue, () => 'done')
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  const job = await read(app.admin, id)
  expect(job.logs.nodes.map(({ text }) => text)).toContain('a line')
  expect(job.attempts.map(({ outcome }) => outcome)).toEqual(['FAILED', 'PREEMPTED', 'SUCCEEDED'])
})

test('so does one in Python, and a script that submits and reads', async () => {
  const names = ['talk', 'raise', 'echo']
  const queue = await seedQueue(
    app.admin,
    names.map((name) => ({ name })),
  )
  const raising = await submit(app.admin, queue, { function: 'raise' })
  const worker = startWorker(python, app.admin, queue)
  const script = `
import millrace, sys
job = millrace.submit(sys.argv[1], 'echo', {'x': 1}, wait_seconds=20)
print(job['status'], millrace.get(job['id']) == job)`
  const caller = new Python(python, ['-c', script, queue], credentials())
  expect(await caller.end()).toBe(0)
  expect(caller.output).toBe('SUCCEEDED True\n')
  await jobBecomes(app.admin, raising.id, 'FAILED')
  expect((await read(app.admin, raising.id)).logs.nodes.length).toBeGreaterThan(0)
  expect(await worker.end('SIGTERM')).toBe(0)
})

test('and the command line', async () => {
  const queue = await seedQueue(app.admin)
  work(app.admin, queue, ({ log }) => log('of the command line'))
  const submitted = await run('job', 'submit', queue, '--wait')
  expect(submitted).toMatchObject({ code: 0 })
  const job = (await run('job', 'submit', queue)).stdout.trim()
  expect(await run('job', 'watch', job)).toMatchObject({ code: 0 })
  expect((await run('job', 'logs', job, '-f')).stdout).toContain('of the command line')
  expect(await run('services')).toMatchObject({ code: 0 })
})

test('while whatever else is sent is refused, also what differs by a space', async () => {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query: `${Submit.toString()} `, variables: {} }),
  })
  expect(await response.text()).toContain('"code":"FORBIDDEN"')
})
