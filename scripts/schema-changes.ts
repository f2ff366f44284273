// Names what has changed in schema.graphql since the newest version in docs/schema/, and fails where a change that breaks
// clients is not in CHANGELOG.md under `Unreleased` by its coordinate, such as `Query.jobs(text:)`, or that of what it
// belongs to. With `--keep` it puts the schema into docs/schema/ as that of the version in package.json.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { buildSchema, parse, print, visit } from 'graphql'
import { changesBetween, unnamed } from './breaking.ts'

const root = new URL('..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const KEPT = 'docs/schema/'

/** Without descriptions, which break nothing. */
const bare = (text: string): string =>
  print(
    visit(parse(text, { noLocation: true }), {
      enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined),
    }),
  )

if (process.argv.includes('--keep')) {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  writeFileSync(new URL(`${KEPT}${version}.graphql`, root), `${bare(read('schema.graphql'))}\n`)
} else {
  const versions = readdirSync(new URL(KEPT, root)).map((name) => name.replace(/\.graphql$/, ''))
  const newest = versions
    .toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .at(-1)
  if (newest === undefined) throw new Error(`${KEPT} has no version to compare with.`)
  const { breaking, dangerous } = changesBetween(
    buildSchema(read(`${KEPT}${newest}.graphql`)),
    buildSchema(read('schema.graphql')),
  )
  const missing = unnamed(breaking, read('CHANGELOG.md'))
  const told = (title: string, changes: typeof breaking): void => {
    console.log(`${title}: ${changes.length}`)
    for (const { what } of changes) console.log(`  ${what}`)
  }
  told(`May break clients of ${newest}`, dangerous)
  told(`Breaks clients of ${newest}`, breaking)
  for (const { what, names } of missing)
    console.error(
      `CHANGELOG.md does not name under Unreleased: ${names.map((name) => `\`${name}\``).join(' or ')} (${what})`,
    )
  if (missing.length > 0) process.exitCode = 1
}
