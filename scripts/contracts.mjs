// Writes docs/contracts/coverage.md: which tests cite which section of the contract of each front that is built. With
// `--check` it writes nothing, and fails where the page is another.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { anchorOf, citationsIn, files, sectionsOf, systems, textOf } from './citations.mjs'
import { root } from './run.mjs'

const PAGE = 'docs/contracts/coverage.md'

const cited = files
  .filter((file) => /^(test|bench)\//.test(file))
  .map((file) => ({ file, citations: citationsIn(file) }))

const testsOf = (system, section) =>
  cited
    .filter(({ citations }) =>
      citations.some((one) => one.system === system && one.number === section.number),
    )
    .map(({ file }) => `[${file.replace(/^test\/|(\.test)?\.ts$/g, '')}](../../${file})`)

function row(system, section, sections) {
  const { number, heading, isBackground } = section
  const tests = testsOf(system, section)
  const isSplit = sections.some((other) => other.number.startsWith(`${number}.`))
  const without = isBackground ? 'promises nothing' : isSplit ? 'see below' : '**none**'
  const link = `[${heading.replaceAll('|', '\\|')}](${system}.md#${anchorOf(heading)})`
  return `| ${link} | ${tests.join(', ') || without} |`
}

function table(system) {
  const sections = sectionsOf(system)
  const rows = sections.map((section) => row(system, section, sections))
  return [`## ${system}`, '', '| section | tests |', '|---|---|', ...rows, ''].join('\n')
}

const built = systems.filter((system) => existsSync(join(root, `docs/fronts/${system}.md`)))
const page = `# Contracts and their tests

Which tests and benches cite which section of the [contract](README.md) of each front that is built. Written by
\`npm run contracts\`, from the citations in the test files; CI fails where it is stale.

${built.map(table).join('\n')}`

if (!existsSync(join(root, PAGE)) || textOf(PAGE) !== page) {
  if (process.argv.includes('--check')) {
    console.error(`${PAGE} is not what the tests cite: npm run contracts`)
    process.exitCode = 1
  } else writeFileSync(join(root, PAGE), page)
}
