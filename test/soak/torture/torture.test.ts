import { expect, test } from 'vitest'
import { freshSeed } from '../../../testkit/random.ts'
import { bare, library, python } from './crew.ts'
import { torture } from './torture.ts'

/*
 * A short run; `npm run soak -- torture` is the long one. What it does follows from its seed, as far as processes that
 * run side by side ever do the same again.
 */
test('every job is done and exactly one result of it accepted, whoever is killed meanwhile', async () => {
  const seed = freshSeed()
  const history: string[] = [`SEED=${seed}`]
  const report = await torture({
    seed,
    jobs: 300,
    seconds: 4,
    leaseSeconds: 1,
    programs: [bare, library, python, bare],
    tell: (line) => void history.push(line),
  })
  expect(report.faults.slice(0, 10), history.join('\n')).toEqual([])
  const answers = report.diary.map(({ answer }) => answer)
  expect(answers, history.join('\n')).toContain('StaleLease') // of the one that stood still
})
