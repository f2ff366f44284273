import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SchemaDraft } from '../../testkit/generated/graphql.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { KNOWN } from './schema-suite-known.ts'

/*
 * The public suite of cases for validators, asked of `validateJson`. What is answered otherwise than the suite has it is
 * listed, with the reason; a difference that is not listed fails, and so does a listed one that is none any more.
 */
const Check = graphql(`
  query CheckCase($schema: JSON!, $value: JSON, $draft: SchemaDraft) {
    validateJson(schema: $schema, value: $value, draft: $draft) {
      isValid
    }
  }
`)

interface Group {
  readonly description: string
  readonly schema: unknown
  readonly tests: readonly {
    readonly description: string
    readonly data: unknown
    readonly valid: boolean
  }[]
}

const SUITE = join(import.meta.dirname, '../fixtures/json-schema-test-suite')

let app: TestApp
beforeAll(async () => {
  app = await testApp({ OPERATIONS_PER_SECOND: '0' })
})
afterAll(() => app.close())

/** How the cases of a group are answered otherwise than they should be; `refused` for a schema that cannot be used. */
async function differences(draft: SchemaDraft, { schema, tests, description }: Group) {
  const told = await Promise.all(
    tests.map(async (one) => {
      const { data, errors } = await app.admin.execute(Check, { schema, draft, value: one.data })
      if (data === null || data === undefined) {
        expect(errors?.[0]?.extensions?.code, JSON.stringify(errors)).toBe('BAD_REQUEST')
        return `${description}: refused`
      }
      const isRight = data.validateJson.isValid === one.valid
      return isRight ? undefined : `${description}: ${one.description}`
    }),
  )
  return [...new Set(told)].filter((one) => one !== undefined)
}

/** Those of a file of the suite. */
async function differencesOf(draft: SchemaDraft, folder: string, file: string) {
  const groups = JSON.parse(readFileSync(join(SUITE, folder, file), 'utf8')) as Group[]
  const found: string[] = []
  for (const group of groups) found.push(...(await differences(draft, group)))
  return found
}

const filesOf = (folder: string) =>
  readdirSync(join(SUITE, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .toSorted()

for (const [folder, draft] of [
  ['draft4', 'DRAFT_04'],
  ['draft2020-12', 'DRAFT_2020_12'],
] as const)
  test.each(filesOf(folder))(`${folder}/%s is answered as the suite has it`, async (file) => {
    expect(await differencesOf(draft, folder, file)).toEqual(KNOWN[`${folder}/${file}`] ?? [])
  })
