import type { FolderEntry } from './folder.ts'
import { Refusal } from './refusal.ts'

/** What of a version says how its code is run. */
export interface ProgramChoice {
  readonly image?: string
  readonly handler?: string
  readonly command?: string
}

const ENDINGS = { python: ['.py'], node: ['.js', '.mjs', '.cjs'] } as const

/**
 * How to run a folder: what was said, and the rest guessed from the files in it. Throws a Refusal where nothing was
 * said and nothing can be guessed.
 */
export function programOf(
  folder: string,
  entries: readonly FolderEntry[],
  { image, handler, command }: ProgramChoice,
): ProgramChoice {
  if (command !== undefined) return { image, command }
  if (image !== undefined) return { image, handler }
  const files = new Set(entries.filter(({ kind }) => kind !== 'folder').map(({ path }) => path))
  const [module = 'main'] = handler?.split(':') ?? []
  for (const [guess, endings] of Object.entries(ENDINGS))
    if (endings.some((ending) => files.has(module + ending))) return { image: guess, handler }
  if (files.has('package.json')) return { image: 'node', handler }
  const sought = Object.values(ENDINGS)
    .flat()
    .map((ending) => module + ending)
  throw new Refusal(
    handler === undefined
      ? `${folder} contains none of ${sought.join(', ')}. Use --handler module:function or --command "…".`
      : `${folder} contains none of ${sought.join(', ')}, which --handler ${handler} requires. Use --image python or --image node.`,
  )
}
