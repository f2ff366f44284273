// What can be known of a change within a minute, on two cores: two steps at a time, the longest first, and before all
// the tests, which wait more than they compute. Prints each step with its time, and of one that failed what it said.
import { availableParallelism } from 'node:os'
import { runScript } from './run.mjs'

const steps = [
  'test:changed',
  'types',
  'unused',
  'lint',
  'schema:check',
  'schema:changes',
  'format:check',
  'contracts:check',
]

const began = performance.now()
const failed = []
const waiting = steps.values()
const shown = (seconds) => `${seconds.toFixed(1).padStart(6)} s`

async function lane() {
  for (const name of waiting) {
    const { isDone, output, seconds } = await runScript(name)
    console.log(`${shown(seconds)}  ${name}${isDone ? '' : ' FAILED'}`)
    if (isDone) continue
    failed.push(name)
    console.log(`\n${output.trim()}\n`)
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane))
console.log(`${shown((performance.now() - began) / 1000)}  in all`)
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
