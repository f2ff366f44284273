import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SchemaDraft, TypedDocumentString } from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { KNOWN } from './schema-suite-known.ts'

/*
 * The public suite of cases for validators, asked of `validateJson`. What is answered otherwise than the suite has it is
 * listed, with the reason; a difference that is not listed fails, and so does a listed one that is none any more. Draft 4
 * is that of contract topchef 9.
 */
type Told = Record<string, { readonly isValid: boolean }>
type Check = TypedDocumentString<Told, Record<string, unknown>>

const checks = new Map<number, Check>()
/** Asks of so many values, `v0`, `v1` …, whether they fit one schema. */
function checkOf(count: number): Check {
  const known = checks.get(count)
  if (known !== undefined) return known
  const names = Array.from({ length: count }, (_, n) => `v${n}`)
  const values = names.map((name) => `$${name}: JSON`).join(', ')
  const fields = names.map(
    (name) => `${name}: validateJson(schema: $schema, value: $${name}, draft: $draft) { isValid }`,
  )
  const text = `query ($schema: JSON!, $draft: SchemaDraft, ${values}) { ${fields.join(' ')} }`
  const check = text as unknown as Check // as it was written just above
  checks.set(count, check)
  return check
}

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
  app = await testApp({ OPERATIONS_PER_SECOND: '0', MAX_ALIASES: '1000', MAX_COST: '1000000' })
})
afterAll(() => app.close())

/** How the cases of a group are answered otherwise than they should be; `refused` for a schema that cannot be used. */
async function differences(draft: SchemaDraft, { schema, tests, description }: Group) {
  const values = Object.fromEntries(tests.map(({ data }, n) => [`v${n}`, data]))
  const { data, errors } = await app.admin.execute(checkOf(tests.length), {
    schema,
    draft,
    ...values,
  })
  if (data === null || data === undefined) {
    for (const { extensions } of errors ?? [{}])
      expect(extensions?.['code'], JSON.stringify(errors)).toBe('BAD_REQUEST')
    return [`${description}: refused`]
  }
  return tests
    .filter(({ valid }, n) => data[`v${n}`]?.isValid !== valid)
    .map((one) => `${description}: ${one.description}`)
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
