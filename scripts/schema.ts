// Writes schema.graphql and possibleTypes.json, which are committed, as src/schema.ts makes them. With `--check` it
// writes nothing, and fails where one of them is another.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import {
  GraphQLOneOfDirective,
  isAbstractType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { schema } from '../src/schema.ts'

const sorted = lexicographicSortSchema(schema)
/** Which types an interface or union can be, for caches that match fragments by type. */
const possibleTypes = Object.fromEntries(
  Object.values(sorted.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, sorted.getPossibleTypes(type).map(({ name }) => name)]),
)

/**
 * `printSchema` leaves out the definitions of directives that the specification has. Of these, `@oneOf` is new enough that
 * clients and generators which read the file may not know it (genqlient, gqlgen): they need its definition to read on.
 */
const { name, description, locations } = GraphQLOneOfDirective
const oneOf = `"""${description}"""\ndirective @${name} on ${locations.join(' | ')}`

const made = {
  'schema.graphql': `${oneOf}\n\n${printSchema(sorted)}`,
  'possibleTypes.json': JSON.stringify(possibleTypes, null, 2),
}

for (const [name, text] of Object.entries(made)) {
  const file = new URL(`../${name}`, import.meta.url)
  const content = `${text}\n`
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue
  if (process.argv.includes('--check')) {
    console.error(`${name} is not what src/schema.ts makes: npm run generate`)
    process.exitCode = 1
  } else writeFileSync(file, content)
}
