import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** All test files, as paths from the root. */
export const testFiles: readonly string[] = readdirSync(resolve(root, 'test'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file}`)
  .toSorted()

const textOf = (file: string): string => readFileSync(resolve(root, file), 'utf8')

/** Whether a file changes what a process has but once: a module, a method of somebody else's, the environment. */
export const changesItsProcess = (file: string): boolean =>
  /\bvi\.(mock|doMock|spyOn|stub\w+|useFakeTimers)\(|process\.env\S* = /.test(textOf(file))

/** Whether a file, or anything that it imports, asks which servers there are for tests: else it can use none. */
export const asksForServers = (file: string): boolean =>
  has(/TEST_(DATABASE|REDIS)_URL/, resolve(root, file))

/** Whether a file, or anything that it imports, asks how much is to be tried: more in a soak than in the suite. */
export const triesMoreInSoak = (file: string): boolean =>
  has(/import {[^}]*\b(amount|isSoak|someOf)\b[^}]*} from '\S*\/random\.ts'/, resolve(root, file))

function has(text: RegExp, file: string, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  const own = textOf(file)
  if (text.test(own)) return true
  const imports = [...own.matchAll(/(?:\bfrom|\bimport\(?)\s*'(\.[^']+)'/g)]
  return imports.some(([, path = '']) => has(text, resolve(dirname(file), path), seen))
}
