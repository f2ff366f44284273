import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/frontends.md')
const snippets = [...page.matchAll(/<!-- (\S+) -->\n```\w+\n([^`]*(?:`[^`]+)*?)\n```/g)]

/** A text whose lines begin where they will. */
const flat = (text: string): string => text.replaceAll(/^ +/gm, '')

it('the snippets of the page are those of the samples', () => {
  expect(snippets.length).toBe(4)
  for (const [, path = '', snippet = ''] of snippets)
    expect(flat(read(path))).toContain(flat(snippet))
})

it('everything the package exports is told of', () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, unknown> }
  const names = Object.keys(exports).filter((name) => name !== './package.json')
  for (const name of names) expect(page).toContain(`\`millrace${name.slice(1)}\``)
})
