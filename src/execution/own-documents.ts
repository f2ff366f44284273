import { readFileSync } from 'node:fs'
import * as operations from '../generated/operations/graphql.ts'

/** Of the operations in `generated`, those of the command line and of `millrace/worker`. */
const OURS = /^(?:Cli|Worker)\w*Document$/
const PYTHON = new URL('../../python/millrace.py', import.meta.url)
/** In the Python worker an operation is a text of its own. */
const IN_PYTHON = /"""((?:mutation|query) [^"]*)"""/g

/**
 * The clients that come with a server, each with the documents that it sends in this version. A further client, such as
 * one with a manifest of persisted documents, is a further entry: every server then runs its documents by their names.
 */
export const ownClients: Readonly<Record<string, () => readonly string[]>> = {
  'command line and TypeScript worker': () =>
    Object.entries(operations)
      .filter(([name]) => OURS.test(name))
      .map(([, text]) => String(text)),
  'Python worker': () =>
    Array.from(readFileSync(PYTHON, 'utf8').matchAll(IN_PYTHON), ([, text = '']) => text),
}

/** The documents of all clients that come with a server. */
export const ownDocuments = (): string[] => Object.values(ownClients).flatMap((texts) => texts())
