import { readFile, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { freshSeed, random } from '../../../testkit/random.ts'
import { faults, type Fault } from './kinds/index.ts'
import { table } from './report.ts'
import type { Row } from './round.ts'
import { once, possible } from './once.ts'
import { embeddedStage, postgresStage, type Stage } from './stage.ts'

/*
 * `npm run soak -- faults`: a load that writes known sequences into every stream, followers of every kind on all of them, and
 * everything that fails, one after the other; then what every follower has got is compared with what is stored. On
 * the embedded database, then on two servers over PostgreSQL and Redis where these are installed. `SEED=…` repeats it.
 */
interface Options {
  readonly minutes?: string
  readonly faults?: string
  readonly on?: string
  readonly hold?: string
  readonly report?: string
  readonly list?: true
}

const {
  minutes,
  faults: which = '',
  on = 'embedded,postgres',
  hold,
  report,
  list,
} = new Command('faults')
  .description('lets everything fail and says what was lost, doubled or reordered')
  .option('--minutes <n>', 'go on at random until so long has passed; else each fault once')
  .option('--faults <words>', 'only those whose name has one of these words, with commas between')
  .option('--on <kinds>', 'embedded, postgres or both, with a comma between')
  .option('--hold <seconds>', 'the longest that a fault is held; else as long as each says')
  .option('--report <file>', 'write the table of faults there; into its marks where it has them')
  .option('--list', 'say which faults there are')
  .parse()
  .opts<Options>()

const words = which.split(',').filter((word) => word !== '')
const wanted = faults.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
)
if (list === true) {
  for (const fault of wanted) console.log(`${fault.on.join(', ').padEnd(20)} ${fault.name}`)
  process.exit(0)
}

const seed = freshSeed()
const chance = random(seed)
const begunMs = performance.now()
const say = (what: string): void =>
  console.log(`${((performance.now() - begunMs) / 1000).toFixed(1).padStart(7)} s  ${what}`)

const openers = { embedded: embeddedStage, postgres: postgresStage } as const
const kinds = (['embedded', 'postgres'] as const).filter((kind) => on.split(',').includes(kind))
const plan = { chance, say, holdMs: hold === undefined ? Infinity : Number(hold) * 1000 }
const rows: Row[] = []
let stage: Stage | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stage?.close().finally(() => process.exit(130)))

for (const [place, kind] of kinds.entries()) {
  stage = await openers[kind]()
  if (stage === undefined) {
    say('PostgreSQL and Redis are not installed: what fails with them is left out')
    continue
  }
  const here = possible(stage, wanted)
  for (const { name, on } of wanted)
    if (on.includes(kind) && !here.some((fault) => fault.name === name))
      say(`${name}: not possible here, left out`)
  const endMs = begunMs + (Number(minutes ?? 0) * 60_000 * (place + 1)) / kinds.length
  for (const fault of minutes === undefined ? here : atRandom(here, endMs)) {
    const row = await once(stage, fault, plan)
    rows.push(row)
    if (row.isOver) {
      await stage.close()
      stage = await openers[kind]()
      if (stage === undefined) break
    }
  }
  await stage?.close()
}

/** Faults in the order of chance, until it is late. */
function* atRandom(here: readonly Fault[], endMs: number): Generator<Fault> {
  while (performance.now() < endMs) {
    const fault = here[Math.floor(chance() * here.length)]
    if (fault !== undefined) yield fault
  }
}

const text = table(rows, { seed, minutes: Math.round((performance.now() - begunMs) / 60_000) })
console.log(`\n${text}`)
if (report !== undefined) await write(report, text)
const broken = rows.flatMap(({ broken }) => broken)
console.log(
  broken.length === 0 ? 'Every promise was kept.' : `${broken.length} promises were not kept.`,
)
process.exit(broken.length === 0 ? 0 : 1)

/** Replaces what is between the marks of a document, or the whole file. */
async function write(file: string, table: string): Promise<void> {
  const marks = /(<!-- soak -->\n)[\s\S]*(<!-- \/soak -->)/
  const old = await readFile(file, 'utf8').catch(() => '')
  await writeFile(file, marks.test(old) ? old.replace(marks, `$1\n${table}\n$2`) : table)
}
