import { access, chmod, constants, copyFile, mkdir, rename } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Program, StartFailed } from '../runtime.ts'

const PACKAGE = fileURLToPath(new URL('../../../../', import.meta.url))

/** The path of what runs handlers of a language. Throws StartFailed where nothing does. */
export type InterpreterOf = (language: Exclude<Program['kind'], 'command'>) => Promise<string>

/** The programs of ours that serve handlers. */
export interface Shims {
  readonly node: string
  readonly python: string
}

export const ownShims: Shims = {
  node: fileURLToPath(new URL('../shared/node-handler.js', import.meta.url)),
  python: join(PACKAGE, 'python/millrace_handler.py'),
}

/** Copies the shims to where users of programs can read them. */
export async function shimsIn(folder: string): Promise<Shims> {
  const shims = { node: join(folder, 'node-handler.mjs'), python: join(folder, 'handler.py') }
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  for (const kind of ['node', 'python'] as const) {
    const unfinished = `${shims[kind]}.tmp`
    await copyFile(ownShims[kind], unfinished)
    await chmod(unfinished, 0o644)
    await rename(unfinished, shims[kind])
  }
  return shims
}

/** The command line that runs a program. Throws StartFailed where its language cannot be run. */
export async function commandOf(
  program: Program,
  interpreterOf: InterpreterOf,
  shims: Shims,
): Promise<readonly string[]> {
  if (program.kind === 'command') return ['/bin/sh', '-c', program.command]
  return [await interpreterOf(program.kind), shims[program.kind]]
}

/** Interpreters as they are found, whether or not they can be run. */
export const foundInterpreters =
  (python?: string): InterpreterOf =>
  async (language) => {
    if (language === 'node') return process.execPath
    const [first] = await pythons(python)
    return first
  }

/**
 * Interpreters that may run Python handlers, the best one first: the one that is wanted, else `.venv/bin/python` of this
 * package and each `python3` on PATH. Throws StartFailed where there is none.
 */
export async function pythons(wanted?: string): Promise<readonly [string, ...string[]]> {
  const name = wanted ?? 'python3'
  const folders = name.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter)
  const own = wanted === undefined ? [join(PACKAGE, '.venv/bin/python')] : []
  const found = new Set<string>()
  for (const path of [...own, ...folders.map((folder) => join(folder, name))])
    if (await canRun(path)) found.add(path)
  const [first, ...others] = found
  if (first === undefined)
    throw new StartFailed(
      `Python was not found as ${JSON.stringify(name)}: install Python 3.8 or newer on the server, or set PYTHON to the path of its interpreter.`,
    )
  return wanted === undefined ? [first, ...others] : [first]
}

const canRun = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
