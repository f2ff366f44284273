import { availableParallelism } from 'node:os'
import { fronts } from './fronts.ts'
import { graphql } from './graphql.ts'
import { invocation } from './invocation.ts'
import { jobs } from './jobs.ts'
import { logs } from './logs.ts'
import { start } from './start.ts'
import { subscribers } from './subscribers.ts'
import { kinds, type Bench } from './support/stage.ts'
import { topchef } from './topchef.ts'

const benches: Readonly<Record<string, Bench>> = {
  start,
  invocation,
  logs,
  graphql,
  fronts,
  topchef,
  subscribers,
  jobs,
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(
    `There is no bench "${unknown.join('", "')}"; there are ${Object.keys(benches).join(', ')}.`,
  )
  process.exit(1)
}
console.log(
  `Node.js ${process.version}, ${availableParallelism()} cores for the server, its services, the database and the load together`,
)
if (kinds().length === 1)
  console.log('Embedded database only: TEST_DATABASE_URL names no PostgreSQL server.')
for (const [name, run] of Object.entries(benches))
  if (asked.length === 0 || asked.includes(name)) for (const kind of kinds()) await run(kind)
