// What the repository says of the wire contracts: their sections, and where they are cited. "contract abeja 4.2" is
// section 4.2 of docs/contracts/abeja.md; in a front's own folder the name of the system may be left out.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from './run.mjs'

/** @type {(file: string) => string} */
export const textOf = (file) => readFileSync(join(root, file), 'utf8')

/** Systems whose contracts are written down. */
export const systems = readdirSync(join(root, 'docs/contracts'))
  .map((file) => basename(file, '.md'))
  .filter((name) => !['README', 'coverage'].includes(name))

/**
 * All files of the repository that may cite a contract, as paths from its root.
 * @type {readonly string[]}
 */
export const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((file) => /\.(ts|[cm]?js|py|sh|graphql|prisma|md)$/.test(file))
  .filter((file) => !file.startsWith('test/fixtures/') && existsSync(join(root, file)))

/**
 * What a heading is called in a link, as GitHub has it.
 * @type {(heading: string) => string}
 */
export const anchorOf = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')

/**
 * The numbered sections of a contract; one that is background promises nothing.
 * @param {string} system
 */
export const sectionsOf = (system) =>
  [
    ...textOf(`docs/contracts/${system}.md`).matchAll(
      /^#+ ((\d+(?:\.\d+)*)\.? .*)\n+(<!-- background -->)?/gm,
    ),
  ].map(([, heading = '', number = '', background]) => ({
    number,
    heading,
    isBackground: background !== undefined,
  }))

const NUMBERS = String.raw`\d+(?:\.\d+)*(?:(?:,| and|, and) \d+(?:\.\d+)*)*`
const PART = String.raw`(?:(?:${systems.join('|')})\b(?:,? ${NUMBERS})?|${NUMBERS})`
const CITATION = new RegExp(String.raw`\bcontracts? (${PART}(?:(?:,| and|, and) ${PART})*)`, 'gi')

/**
 * Each section that a file cites; an empty number is the whole contract, and an empty system is one that is not said.
 * @param {string} file
 */
export function citationsIn(file) {
  const [, own = ''] = file.match(new RegExp(`/rest/(${systems.join('|')})/`)) ?? []
  // a citation may be broken between two lines of a comment
  const text = textOf(file).replaceAll(/\s+(?:\*|\/\/|#)?\s*/g, ' ')
  return [...text.matchAll(CITATION)].flatMap(([, parts = '']) => {
    let system = own
    return [...parts.matchAll(/\d+(?:\.\d+)*|\b(?!and\b)[a-z]+/gi)].map(([word]) => {
      if (/\d/.test(word)) return { system, number: word }
      system = word.toLowerCase()
      return { system, number: '' }
    })
  })
}
