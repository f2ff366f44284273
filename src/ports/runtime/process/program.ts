import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Program, StartFailed } from '../runtime.ts'

const PACKAGE = fileURLToPath(new URL('../../../../', import.meta.url))
const PYTHON_SHIM = join(PACKAGE, 'python/millrace_handler.py')
const NODE_SHIM = fileURLToPath(new URL('../node-handler.js', import.meta.url))

/** The command line that runs a program. Throws StartFailed where its language is not found on this machine. */
export async function commandOf(program: Program, python?: string): Promise<readonly string[]> {
  switch (program.kind) {
    case 'python':
      return [await findPython(python), PYTHON_SHIM]
    case 'node':
      return [process.execPath, NODE_SHIM]
    case 'command':
      return ['/bin/sh', '-c', program.command]
  }
}

async function findPython(wanted?: string): Promise<string> {
  if (wanted === undefined) {
    const own = join(PACKAGE, '.venv/bin/python')
    if (await canRun(own)) return own
  }
  const name = wanted ?? 'python3'
  const folders = name.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter)
  for (const folder of folders) {
    const path = join(folder, name)
    if (await canRun(path)) return path
  }
  throw new StartFailed(
    `Python was not found as ${JSON.stringify(name)}: install Python 3.8 or newer on the server, or set PYTHON to the path of its interpreter.`,
  )
}

const canRun = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
