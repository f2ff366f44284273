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
export const asksForServers = (file: string): boolean => asks(resolve(root, file), new Set())

function asks(file: string, seen: Set<string>): boolean {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  const text = textOf(file)
  if (/TEST_(DATABASE|REDIS)_URL/.test(text)) return true
  const imports = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*'(\.[^']+)'/g)]
  return imports.some(([, path = '']) => asks(resolve(dirname(file), path), seen))
}
