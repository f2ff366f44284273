import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/* How much a throw-away addition is; that it works is tried on a copy of the tree (apply.sh). */

const patches = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.patch'))

/** The files that a patch makes, and those that it changes, but for tests of its own. */
function filesOf(name: string): { added: string[]; edited: string[] } {
  const text = readFileSync(`${import.meta.dirname}/${name}`, 'utf8')
  const files = [...text.matchAll(/^diff --git a\/(\S+) .*\n(new file)?/gm)]
  const named = (isNew: boolean) =>
    files.filter(([, , made]) => (made !== undefined) === isNew).map(([, path = '']) => path)
  return { added: named(true).filter((path) => !path.endsWith('.test.ts')), edited: named(false) }
}

test.each(patches)('%s makes at most nine files and changes at most four', (name) => {
  const { added, edited } = filesOf(name)
  expect(added.length, added.join('\n')).toBeGreaterThan(0)
  expect(added.length, added.join('\n')).toBeLessThanOrEqual(9)
  expect(edited.length, edited.join('\n')).toBeLessThanOrEqual(4)
})
