import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  buildSchema,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import { doors } from '../limits/doors.ts'
import { startWorker, workshop } from '../python/worker.ts'

let app: TestApp
/** Runs no documents but its own. */
let trusting: TestApp
let documents: TestFolder
beforeAll(async () => {
  documents = await testFolder({ 'documents.json': '{}' })
  app = await testApp()
  trusting = await testApp({ TRUSTED_DOCUMENTS: join(documents.path, 'documents.json') })
})
afterAll(async () => {
  await Promise.all([app.close(), trusting.close()])
  await documents.remove()
})

test.each([
  ['{ node(id: "a") { ...F } } fragment F on Error { message }', 'Error', 'UserError'],
  ['{ node(id: "a") { id ... on Function { name } } }', 'Function', 'ServiceFunction'],
  ['{ node(id: "a") { id ... on Event { at } } }', 'Event', 'StreamEvent'],
])('%s: what it is called now, told to whoever may read the schema', async (query, old, now) => {
  for (const ask of Object.values(doors)) {
    const [error] = (await ask(app.admin, { query })).errors ?? []
    expect(error).toMatchObject({
      message: `Unknown type "${old}". It is called "${now}" since version 0.2.`,
      extensions: { code: 'BAD_REQUEST' },
    })
    const [untold] = (await ask(app.stranger, { query })).errors ?? []
    expect(untold?.message).toBe(`Unknown type "${old}".`)
  }
})

/** A query that uses a name of version 0.1, in a fragment so that no path leads to it. */
const using = (type: string, fields: string): string =>
  `{ node(id: "a") { ...F } } fragment F on ${type} { ${fields} }`

test('every name of version 0.1 that is gone: what to do now', async () => {
  const old = buildSchema(await readFile('docs/schema/0.1.0.graphql', 'utf8')).getTypeMap()
  const now = buildSchema(await readFile('schema.graphql', 'utf8')).getTypeMap()
  /** A field with an argument of this input type. */
  const fieldWith = (input: string): string => {
    for (const type of Object.values(now)) {
      if (!isObjectType(type)) continue
      for (const field of Object.values(type.getFields())) {
        const found = field.args.find((arg) => getNamedType(arg.type).name === input)
        if (found) return using(type.name, `${field.name}(${found.name}: VALUE)`)
      }
    }
    throw new Error(`Nothing takes ${input}.`)
  }
  const queries: Record<string, string> = {}
  for (const [name, type] of Object.entries(old)) {
    const present = now[name]
    if (present === undefined) queries[name] = using(name, '__typename')
    else if (isInputObjectType(type) && isInputObjectType(present))
      for (const field of Object.keys(type.getFields())) {
        if (field in present.getFields()) continue
        queries[`${name}.${field}`] = fieldWith(name).replace('VALUE', `{ ${field}: null }`)
      }
    else if (
      (isObjectType(type) && isObjectType(present)) ||
      (isInterfaceType(type) && isInterfaceType(present))
    )
      for (const field of Object.values(type.getFields())) {
        const same = present.getFields()[field.name]
        if (same === undefined) queries[`${name}.${field.name}`] = using(name, field.name)
        for (const arg of same === undefined ? [] : field.args)
          if (same?.args.every((each) => each.name !== arg.name) === true)
            queries[`${name}.${field.name}(${arg.name}:)`] = using(
              name,
              `${field.name}(${arg.name}: null)`,
            )
      }
  }
  expect(Object.keys(queries).length).toBeGreaterThan(30)
  const untold: string[] = []
  for (const [coordinate, query] of Object.entries(queries)) {
    const { errors = [] } = await doors['POST']!(app.admin, { query })
    if (!errors.some(({ message }) => /(?:since|in) version 0\.2/i.test(message)))
      untold.push(`${coordinate}: ${errors.map(({ message }) => message).join(' ')}`)
  }
  expect(untold).toEqual([])
})

test('a value of an enum that is gone: what to do now', async () => {
  const query = '{ services(filter: { kinds: [MODEL] }) { totalCount } }'
  const { errors } = await doors['POST']!(app.admin, { query })
  expect(errors?.[0]?.message).toMatch(
    /Value "MODEL" does not exist in "ServiceKind" enum\. It was removed in version 0\.2/,
  )
})

test('other names that are not there are told of as ever', async () => {
  for (const ask of Object.values(doors)) {
    const { errors } = await ask(app.admin, { query: '{ node(id: "a") { ... on Jobb { id } } }' })
    expect(errors?.[0]?.message).toContain('Unknown type "Jobb". Did you mean "Job"')
  }
})

const AGAIN = /of another version than the server: download it again with curl -O/

test('a millrace.py of version 0.1 says in one sentence to download it again, and ends', async () => {
  // its operations as they were; whatever else is in it says no more of an error than today's
  const operations = await readFile(new URL('../python/old-operations.py', import.meta.url), 'utf8')
  const folder = await workshop(app.url)
  const file = join(folder.path, 'millrace.py')
  const text = await readFile(file, 'utf8')
  const old = text.replace(/^# Whole texts[^]*?(?=^COME_AGAIN)/m, () => operations)
  expect(old).not.toBe(text)
  await folder.write({ 'millrace.py': old })
  for (const { admin } of [app, trusting]) {
    const queue = admin === app.admin ? await seedQueue(admin) : 'any'
    const worker = startWorker(folder, admin, queue)
    expect(await worker.end()).toBe(1)
    const told = worker.output.split('\n').filter((line) => AGAIN.test(line))
    expect([worker.output, told]).toEqual([worker.output, [expect.stringMatching(AGAIN)]])
    expect(worker.output).not.toContain('Traceback')
  }
  await folder.remove()
})

/** The claim of `millrace/worker` as it was in version 0.1. */
const CLAIM = `mutation WorkerClaim($input: ClaimJobsInput!) {
  claimJobs(input: $input) { ... on ClaimJobsSuccess { leases { attempt fence } } ...WorkerProblem }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }`

test('a millrace/worker of version 0.1 is told to install that of the server', async () => {
  for (const server of [app, trusting]) {
    const { errors } = await doors['POST']!(server.admin, { query: CLAIM })
    expect(errors?.[0]?.message).toMatch(
      /This millrace\/worker is of another version than the server: install the version of the package that the server has\.$/,
    )
  }
})
