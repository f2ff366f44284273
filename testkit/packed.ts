import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** A package of ours with all it depends on, as the files of an archive that has them in `node_modules`. */
export function packed(name: string): Record<string, string> {
  const files: Record<string, string> = {}
  const seen = new Set<string>()
  const add = (folder: string): void => {
    if (seen.has(folder)) return
    seen.add(folder)
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, file)
      if (/\.(?:[cm]?js|json)$/.test(file) && !relative(folder, path).startsWith('node_modules'))
        files[relative(root, path)] = readFileSync(path, 'utf8')
    }
    const { dependencies = {} } = JSON.parse(
      files[relative(root, join(folder, 'package.json'))] ?? '{}',
    ) as {
      dependencies?: Record<string, string>
    }
    for (const one of Object.keys(dependencies)) add(found(one, folder))
  }
  add(found(name, root))
  return files
}

/** Where Node.js finds a package that is asked for in this folder. */
function found(name: string, from: string): string {
  const folder = join(from, 'node_modules', name)
  if (existsSync(join(folder, 'package.json'))) return folder
  if (from === root) throw new Error(`${name} is not installed.`)
  return found(name, dirname(from))
}
