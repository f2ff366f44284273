import { asksForServers, testFiles, triesMoreInSoak } from '../files.ts'

/** On what something is tried. */
export const KINDS = ['embedded', 'postgres'] as const
export type Kind = (typeof KINDS)[number]

/** One run that a part consists of: see `Step`. */
export interface Run {
  readonly name: string
  readonly args: readonly string[]
  /** What it is to be given; a run that has both by itself is given none. */
  readonly on?: Kind
}

const program = (name: string): readonly string[] => ['--import=tsx', `test/soak/${name}/main.ts`]
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config=test/vitest.config.ts']

/** Words as a shell is told them. */
const told = (...words: readonly string[]): string =>
  words.map((word) => (/^[\w./,=-]+$/.test(word) ? word : `'${word}'`)).join(' ')

/** The test files that try more in a soak than in the suite, all or those whose path has one of the words. */
export const tests = (on: readonly Kind[], words: readonly string[] = []): Run[] =>
  on.flatMap((kind) =>
    testFiles
      .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
      .filter(triesMoreInSoak)
      .filter((file) => kind === 'embedded' || asksForServers(file))
      .map((file) => ({
        name: `tests ${file} --on ${kind}`,
        args: [...vitest, '--reporter=verbose', file],
        on: kind,
      })),
  )

/** Jobs and workers while processes are killed, and what is sent to hold a server up. */
export const torture = (on: readonly Kind[], options: readonly string[] = []): Run[] =>
  on.map((kind) => ({
    name: told('torture', '--on', kind, ...options),
    args: [...program('torture'), ...options],
    on: kind,
  }))

/** Followers of every stream while anything fails, with options of its own. */
export const faults = (options: readonly string[] = []): Run[] => [
  { name: told('faults', ...options), args: [...program('faults'), ...options] },
]
