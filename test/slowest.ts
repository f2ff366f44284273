import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const root = resolve(import.meta.dirname, '..')
/** Seconds of each test file when it last ran; `scripts/changed-tests.mjs` and `.ci/run` read it. */
const file = resolve(root, 'node_modules/.cache/test-seconds.json')
const SHOWN = 10

/** Says after a run how long it took and which files took longest: to load, with hooks and tests. */
export default class Slowest implements Reporter {
  #began = performance.now()

  onTestRunStart(): void {
    this.#began = performance.now()
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const seconds = Object.fromEntries(modules.map((one) => [nameOf(one), secondsOf(one)]))
    const slowest = Object.entries(seconds).toSorted(([, a], [, b]) => b - a)
    const lines = slowest.slice(0, SHOWN).map(([name, took]) => `${shown(took)}  ${name}`)
    const whole = (performance.now() - this.#began) / 1000
    console.log(['', `${shown(whole)}  the run; its slowest files:`, ...lines, ''].join('\n'))
    keep(seconds)
  }
}

const nameOf = ({ moduleId }: TestModule): string => relative(root, moduleId)

function secondsOf(module: TestModule): number {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } =
    module.diagnostic()
  const ms = environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration
  return Math.round(ms / 100) / 10
}

const shown = (seconds: number): string => `${seconds.toFixed(1).padStart(7)} s`

function keep(seconds: Record<string, number>): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ ...known(), ...seconds }, null, 2))
}

function known(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {} // none has run here
  }
}
