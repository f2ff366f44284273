import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { anchorOf, files, textOf } from '../../scripts/citations.mjs'

/* Links between the pages of the repository lead somewhere. */

const pages = files.filter((file) => file.endsWith('.md'))

/** A page without its examples of code, whose brackets are no links. */
const proseOf = (page: string): string =>
  textOf(page)
    .replaceAll(/^ *```[^]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]]/g, ''))

/** What the headings of a page are called in links; of two with the same words the second gets a number. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  const text = textOf(page).replaceAll(/^ *```[^]*?^ *```/gm, '')
  for (const [, heading = ''] of text.matchAll(/^#+ (.*)$/gm)) {
    const anchor = anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'))
    let name = anchor
    for (let n = 1; anchors.has(name); n += 1) name = `${anchor}-${n}`
    anchors.add(name)
  }
  return anchors
}

const root = join(import.meta.dirname, '..', '..')

test('there are pages', () => expect(pages).toContain('docs/contracts/README.md'))

test.each(pages)('%s leads somewhere by each of its links', (page) => {
  const targets = [...proseOf(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target)
  const lost = targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false // elsewhere
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(root, file))) return true
    return anchor !== undefined && !anchorsOf(file).has(anchor)
  })
  expect(lost).toEqual([])
})
