import { expect, test } from 'vitest'
import { citationsIn, files, sectionsOf, systems, textOf } from '../../scripts/citations.mjs'

/* What the repository says of its documents is true: citations of contracts find their section (docs/contracts). */

const known = new Set(
  systems.flatMap((system) => [
    `${system} `,
    ...sectionsOf(system).map(({ number }) => `${system} ${number}`),
  ]),
)

test('the number of a section stands for one of them', () => {
  for (const system of systems) {
    const numbers = sectionsOf(system).map(({ number }) => number)
    expect(numbers, system).toEqual([...new Set(numbers)])
    expect(numbers.length, system).toBeGreaterThan(5)
  }
})

test('every citation of a contract finds its section', () => {
  const lost = files.flatMap((file) =>
    citationsIn(file)
      .map(({ system, number }) => `${system} ${number}`)
      .filter((cited) => !known.has(cited))
      .map((cited) => `${file}: contract ${cited}`),
  )
  expect(lost).toEqual([])
})

/** Notes that were beside the repository, by the names that they had there. */
const OUTSIDE = /\b(DESIGN|STYLE|FACTS|RUNTIMES|CONSOLE)\b|\bAPI\.graphql\b/
const isCode = (file: string) => /\.([cm]?[jt]s|py|sh|graphql|prisma)$/.test(file)

test('no comment leads to a document that is not here', () => {
  const astray = files
    .filter((file) => isCode(file) && !file.startsWith('test/docs/'))
    .filter((file) =>
      [...textOf(file).matchAll(/\/\*[^]*?\*\/|(?<!:)\/\/.*|^\s*#.*|"""[^]*?"""/gm)].some(
        ([comment]) => OUTSIDE.test(comment),
      ),
    )
  expect(astray).toEqual([])
})
