import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'

/** One run of a soak, a process of its own. */
export interface Step {
  /** What `npm run soak --` is told to do it alone. */
  readonly name: string
  /** What is run with Node.js. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** How it went. */
export interface Outcome {
  readonly name: string
  readonly isKept: boolean
  readonly seconds: number
  /** Where all that it said is. */
  readonly history: string
}

/** No step takes so long; one that hangs is ended, so that the others have their turn. */
const LIMIT_MS = 60 * 60_000

/** Runs one; all that it says is shown, and kept in a file of the folder. */
export async function run(
  { name, args, env }: Step,
  folder: string,
  stopping: AbortSignal,
): Promise<Outcome> {
  const history = join(folder, `${name.replaceAll(/[^\w.]+/g, '-')}.log`)
  const begunMs = performance.now()
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(LIMIT_MS)])
  console.log(`\n== ${name}`)
  const child = spawn(process.execPath, args, { env, signal, stdio: ['ignore', 'pipe', 'pipe'] })
  const file = createWriteStream(history)
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.pipe(to, { end: false })
    from.pipe(file, { end: false })
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (cause) => file.write(`${cause.message}\n`)) // it was told to stop
    child.once('close', resolve)
  })
  file.end()
  return { name, isKept: code === 0, seconds: (performance.now() - begunMs) / 1_000, history }
}

/** Minutes and seconds. */
const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`

/** What came of all, with how to do again what failed. */
export function summary(outcomes: readonly Outcome[], seed: number): string {
  const lines = outcomes.flatMap(({ name, isKept, seconds, history }) => [
    `${isKept ? 'kept  ' : 'FAILED'} ${clock(seconds).padStart(6)}  ${name}`,
    ...(isKept
      ? []
      : [
          `               again: SEED=${seed} npm run soak -- ${name}`,
          `               history: ${history}`,
        ]),
  ])
  const failed = outcomes.filter(({ isKept }) => !isKept).length
  const took = clock(outcomes.reduce((sum, { seconds }) => sum + seconds, 0))
  const all = failed === 0 ? 'Every promise was kept.' : `${failed} of ${outcomes.length} failed.`
  return [...lines, `SEED=${seed}, ${took} minutes. ${all}`].join('\n')
}
