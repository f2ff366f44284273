import { posix } from 'node:path'
import type { IgnoreFile, IgnoreFiles } from './ignore-files.ts'
import { inOneLine } from './visible.ts'

interface Link {
  readonly kind: 'link'
  readonly path: string
  readonly target: string
}

/** Why something in a folder is not sent. */
type Reason = IgnoreFile | keyof typeof OWN

/** Something that is not sent; of a folder, all in it is not. */
export interface LeftOut {
  readonly path: string
  readonly isFolder: boolean
  readonly reason: Reason
}

/** Our own reasons, for what tools leave beside the code. */
const OWN = {
  git: 'as the history of git',
  packages: 'as installed packages',
  environment: 'as virtual environments',
  compiled: 'as compiled Python',
  macos: 'as files that macOS adds automatically',
} as const

const byName: Readonly<Record<string, keyof typeof OWN>> = {
  node_modules: 'packages',
  '.venv': 'environment',
  __pycache__: 'compiled',
  '.DS_Store': 'macos',
}

/** Every virtual environment of Python has it, whatever it is called. */
export const ENVIRONMENT = 'pyvenv.cfg'

/** Why something is left out; undefined where it is sent. A file that takes it back wins, but not over git's own. */
export function reasonFor(
  path: string,
  isFolder: boolean,
  ignoreFiles: IgnoreFiles,
): Reason | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === '.git') return 'git'
  const said = ignoreFiles.leavesOut(path, isFolder)
  if (said !== undefined) return said ?? undefined
  if (Object.hasOwn(byName, name)) return byName[name]
  return name.endsWith('.pyc') ? 'compiled' : undefined
}

/** Most names that are told of one reason. */
const TOLD = 3

/** What was left out, a line for each reason, and which links now lead nowhere. */
export function linesOf({
  entries,
  leftOut,
}: {
  readonly entries: readonly (Link | { readonly kind: 'file' | 'folder' })[]
  readonly leftOut: readonly LeftOut[]
}): string[] {
  const broken = entries.flatMap((one) =>
    one.kind === 'link' && leadsTo(leftOut, one) ? [one] : [],
  )
  const lines = reasonsOf(leftOut)
  return broken.length === 0
    ? lines
    : [...lines, `Links to files that are left out: ${first(broken)}.`]
}

function leadsTo(leftOut: readonly LeftOut[], { path, target }: Link): boolean {
  const reached = posix.join(posix.dirname(path), target)
  return leftOut.some((one) => reached === one.path || reached.startsWith(`${one.path}/`))
}

function reasonsOf(all: readonly LeftOut[]): string[] {
  const reasons = new Set(all.map(({ reason }) => reason))
  return [...reasons].toSorted().map((reason) => {
    const these = all.filter((one) => one.reason === reason)
    const folders = these.filter(({ isFolder }) => isFolder).length
    const counts = [counted(folders, 'folder'), counted(these.length - folders, 'file')]
    const why = reason in OWN ? OWN[reason as keyof typeof OWN] : `as ${reason} says`
    return `Left out, ${why}: ${counts.filter(Boolean).join(' and ')} (${first(these)}).`
  })
}

function first(these: readonly { readonly path: string }[]): string {
  const names = these.slice(0, TOLD).map(({ path }) => inOneLine(path))
  const more = these.length - names.length
  return names.join(', ') + (more === 0 ? '' : ` and ${more} more`)
}

const counted = (count: number, noun: string): string =>
  count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`
