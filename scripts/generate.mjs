// Writes all that is generated. What reads the schema begins at once with the committed one, beside what makes the
// schema anew; only where that has come out different does it run again.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './run.mjs'

const committed = () =>
  ['schema.graphql', 'possibleTypes.json'].map((name) => text(join(root, name)))

function text(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  }
}

async function makeSchema() {
  const client = await run('node prisma/generate.mjs')
  return client.isDone ? [client, await run('tsx scripts/schema.ts')] : [client]
}

const makeOperations = async () => {
  const [types, relay] = await Promise.all([run('graphql-codegen'), run('node scripts/relay.mjs')])
  if (relay.isDone) process.stderr.write(relay.output) // that there is no compiler for this platform
  return [types, relay]
}

const before = committed()
const [ofSchema, early] = await Promise.all([makeSchema(), makeOperations()])
const isSame = committed().every((now, index) => now === before[index])

for (const { isDone, output } of [...ofSchema, ...(isSame ? early : await makeOperations())]) {
  if (isDone) continue
  process.stderr.write(output)
  process.exitCode = 1
}
