import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { freshSeed } from '../../testkit/random.ts'
import { faults, KINDS, tests, torture, type Kind, type Run } from './parts.ts'
import { testServers, type Servers } from './servers.ts'
import { run, summary, type Outcome } from './step.ts'

/*
 * `npm run soak`: all that takes too long for the suite, one after the other, on the embedded database and on
 * PostgreSQL and Redis where these are. One seed decides all that is left to chance; `SEED=…` repeats it. What fails
 * ends nothing else, and the last lines say how to do it again.
 */
interface Options {
  readonly on: string
  readonly list?: true
}

const runs: Run[] = []
let isListed = false
const add = (more: readonly Run[], list: boolean | undefined): void => {
  runs.push(...more)
  isListed = list === true
}
const kindsOf = (on: string): Kind[] => KINDS.filter((kind) => on.split(',').includes(kind))
const command = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--on <kinds>', 'embedded, postgres or both, with a comma between', KINDS.join(','))
    .option('--list', 'say what would be run')

await command('soak', 'does all that takes too long for the suite; of its parts, one')
  .enablePositionalOptions()
  .argument('[part]')
  .action((part: string | undefined, { on, list }: Options, command: Command) => {
    if (part !== undefined) return command.error(`'${part}' is no part: tests, torture or faults.`)
    add(
      [...tests(kindsOf(on)), ...torture(kindsOf(on)), ...faults(['--on', on, '--hold', '12'])],
      list,
    )
  })
  .addCommand(
    command('tests', 'the tests that try more than in the suite: all, or those with these words')
      .argument('[words...]')
      .action((words: string[], { on, list }: Options) => add(tests(kindsOf(on), words), list)),
  )
  .addCommand(
    command('torture', 'jobs, while workers and servers are killed; and what would hold one up')
      .argument('[options...]', '--jobs <n>, --seconds <n>')
      .allowUnknownOption()
      .action((options: string[], { on, list }: Options) =>
        add(torture(kindsOf(on), options), list),
      ),
  )
  .addCommand(
    new Command('faults')
      .description('followers of every stream, while anything fails; see faults --help')
      .argument('[options...]')
      .helpOption(false)
      .allowUnknownOption()
      .action((options: string[]) => add(faults(options), false)),
  )
  .parseAsync()

if (isListed) {
  for (const { name } of runs) console.log(name)
  process.exit(0)
}

if (runs.length === 0) {
  console.error('There is nothing like that; see --list.')
  process.exit(1)
}

const seed = freshSeed()
const { TEST_DATABASE_URL: _database, TEST_REDIS_URL: _redis, ...plain } = process.env
const env = { ...plain, SEED: String(seed), SOAK: '1' }
const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())

let servers: Servers | undefined
const outcomes: Outcome[] = []
for (const { name, args, on } of runs) {
  if (stopping.signal.aborted) break
  if (on === 'postgres') servers ??= await testServers()
  if (on === 'postgres' && servers === undefined)
    console.log(`\n== ${name}: PostgreSQL and Redis are not installed, left out`)
  else {
    const own = on === 'postgres' ? servers?.env : {}
    outcomes.push(await run({ name, args, env: { ...env, ...own } }, folder, stopping.signal))
  }
}
await servers?.close()
console.log(`\n${summary(outcomes, seed)}`)
process.exit(stopping.signal.aborted || outcomes.some(({ isKept }) => !isKept) ? 1 : 0)
