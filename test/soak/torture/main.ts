import { Command } from 'commander'
import { freshSeed } from '../../../testkit/random.ts'
import { holdUp } from './attacks.ts'
import { bare, library, python } from './crew.ts'
import { torture } from './torture.ts'

/*
 * `npm run soak -- torture`: 5,000 jobs, six workers, and two minutes of killing. On two servers where TEST_DATABASE_URL
 * and TEST_REDIS_URL name what they share, else on one with the embedded database; there also values and schemas that
 * are made to hold a server up, while another caller asks it all the time. `SEED=…` kills in the same order again.
 */
interface Options {
  readonly jobs: string
  readonly seconds: string
}

const { jobs, seconds } = new Command('torture')
  .option('--jobs <n>', 'how many jobs are done', '5000')
  .option('--seconds <n>', 'how long processes are killed', '120')
  .parse()
  .opts<Options>()
const seed = freshSeed()
const {
  faults: broken,
  diary,
  kills,
} = await torture({
  seed,
  jobs: Number(jobs),
  seconds: Number(seconds),
  leaseSeconds: 3,
  programs: [bare, library, python, bare, library, python],
  tell: (line) => console.log(line),
})
const count = (answer: string): number => diary.filter((entry) => entry.answer === answer).length
console.log(
  `${kills.servers} servers and ${kills.workers} workers were killed. Workers wrote down ${count('CompleteJobSuccess')} accepted results and ${count('StaleLease')} stale leases.`,
)
// what holds a server up asks nothing of the database, so once is enough
const isEmbedded = process.env['TEST_DATABASE_URL'] === undefined
const held = isEmbedded ? await holdUp((line) => console.log(line)) : []
const faults = [...broken, ...held]
for (const fault of faults) console.error(fault)
console.log(
  faults.length === 0 ? 'Every promise was kept.' : `${faults.length} promises were not kept.`,
)
process.exit(faults.length === 0 ? 0 : 1)
