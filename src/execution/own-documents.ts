import { readFileSync } from 'node:fs'
import * as operations from '../generated/operations/graphql.ts'

/** Of the operations in `generated`, those of the command line and of `millrace/worker`. */
const OURS = /^(?:Cli|Worker)\w*Document$/
const PYTHON = new URL('../../python/millrace.py', import.meta.url)
/** In the Python worker an operation is a text of its own. */
const IN_PYTHON = /"""((?:mutation|query) [^"]*)"""/g

/** The documents that the command line and the workers of this version send. */
export function ownDocuments(): string[] {
  const typed = Object.entries(operations).filter(([name]) => OURS.test(name))
  const python = readFileSync(PYTHON, 'utf8').matchAll(IN_PYTHON)
  return [...typed.map(([, text]) => String(text)), ...Array.from(python, ([, text = '']) => text)]
}
