import { BadArchive, quoted } from './bad-archive.ts'
import type { RawEntry } from './entry.ts'
import { Folder } from './folder.ts'

const MAX_PATH_BYTES = 1024
const MAX_SEGMENT_BYTES = 255
const MAX_DEPTH = 100
const MAX_LINKS = 2_000
const MAX_STEPS = 256

interface Link {
  readonly name: string
  readonly target: string
  readonly steps: readonly string[]
  /** The folders that it lies in, from the root. */
  readonly within: readonly Folder[]
}

/**
 * The folder an archive would make, built entry by entry to find what leaves it. Nothing may lie below a link, so
 * that unpacking never writes through one; where links lead is judged when all of them are known (`finish`), because a
 * later link can bend an earlier one. An entry costs a step for each part of its path and a link at most MAX_STEPS,
 * twice.
 */
export class ArchiveTree {
  readonly #root = new Folder()
  readonly #links: Link[] = []
  /** Paths of files as they are written: what a hard link may lead to. */
  readonly #files = new Set<string>()
  readonly #maxFolders: number
  #folders = 0

  /** `maxFolders`: most that may be made, whether an entry is one or lies in one. */
  constructor(maxFolders: number) {
    this.#maxFolders = maxFolders
  }

  /** The entry's path inside the folder, '' for the folder itself. Throws BadArchive. */
  add({ name, kind, target }: RawEntry): string {
    const segments = safeSegments(name)
    const last = segments.pop()
    if (last === undefined) {
      if (kind !== 'folder') refuse(name, 'has no name')
      return ''
    }
    const within = this.#enter(name, segments)
    const parent = within.at(-1) ?? this.#root
    const path = [...segments, last].join('/')
    const known = parent.get(last)
    switch (kind) {
      case 'folder':
        if (known === undefined) this.#makeFolder(name, parent, last)
        else if (known.kind !== 'folder') refuse(name, 'comes twice')
        break
      case 'hardlink':
        if (known !== undefined) refuse(name, 'comes twice')
        if (!this.#files.has(safeSegments(target, name).join('/')))
          refuse(name, `is a link to ${quoted(target)}, which is no file earlier in the archive`)
        this.#makeFile(name, parent, last, path)
        break
      case 'file':
        if (known === undefined) this.#makeFile(name, parent, last, path)
        else if (known.kind !== 'file') refuse(name, 'comes twice')
        break
      case 'symlink': {
        if (known !== undefined) refuse(name, 'comes twice')
        const link = { name, target, steps: stepsOf(name, target), within }
        if (this.#links.push(link) > MAX_LINKS)
          throw new BadArchive(`The archive has more than ${MAX_LINKS} links.`)
        if (!parent.add(last, { kind, steps: link.steps })) refuse(name, LOOKALIKE)
        follow(link)
      }
    }
    return path
  }

  /** Judges every link once more, now that all are known. Throws BadArchive. */
  finish(): void {
    for (const link of this.#links) follow(link)
  }

  /** The folders on the way, from the root, made where they are missing. */
  #enter(name: string, segments: readonly string[]): Folder[] {
    const within = [this.#root]
    let here = this.#root
    for (const [depth, segment] of segments.entries()) {
      const met = here.get(segment)
      if (met !== undefined && met.kind !== 'folder') {
        const parent = quoted(segments.slice(0, depth + 1).join('/'))
        refuse(name, `lies below the ${met.kind === 'symlink' ? 'link' : 'file'} ${parent}`)
      }
      here = met?.folder ?? this.#makeFolder(name, here, segment)
      within.push(here)
    }
    return within
  }

  #makeFolder(name: string, parent: Folder, segment: string): Folder {
    if (++this.#folders > this.#maxFolders)
      throw new BadArchive(
        `The archive has more than ${this.#maxFolders.toLocaleString('en')} folders.`,
      )
    const folder = parent.twin(segment) ?? new Folder()
    if (!parent.add(segment, { kind: 'folder', folder })) refuse(name, LOOKALIKE)
    return folder
  }

  #makeFile(name: string, parent: Folder, segment: string, path: string): void {
    if (!parent.add(segment, { kind: 'file' })) refuse(name, LOOKALIKE)
    this.#files.add(path)
  }
}

const LOOKALIKE = 'differs from a link, or a link from it, only in capitals or accents'

/** Throws BadArchive when a link leads out of the tree, or nowhere in MAX_STEPS. */
function follow({ name, target, steps, within }: Link): void {
  const here: (Folder | undefined)[] = [...within]
  const todo = steps.toReversed()
  for (let taken = 1, step = todo.pop(); step !== undefined; step = todo.pop(), taken++) {
    if (step === '..') {
      here.pop()
      if (here.length === 0) refuse(name, `is a link to ${quoted(target)}, outside its folder`)
      continue
    }
    const met = here.at(-1)?.find(step)
    if (met?.kind !== 'symlink') here.push(met?.kind === 'folder' ? met.folder : undefined)
    else if (taken + todo.length + met.steps.length > MAX_STEPS)
      refuse(name, 'is a link that leads in circles')
    else todo.push(...met.steps.toReversed())
  }
}

/** Where a link leads, step by step. */
function stepsOf(name: string, target: string): string[] {
  if (target === '' || target.includes('\0') || target.includes('\\') || isAbsolute(target))
    refuse(name, `is a link to ${quoted(target)}, outside its folder`)
  const steps = target.split('/').filter(isStep)
  if (Buffer.byteLength(target) > MAX_PATH_BYTES || steps.length > MAX_STEPS)
    refuse(name, 'is a link with too long a target')
  return steps
}

/** The path inside the folder that a name means. Throws BadArchive. */
export const pathOf = (name: string): string => safeSegments(name).join('/')

function safeSegments(name: string, entry = name): string[] {
  if (Buffer.byteLength(name) > MAX_PATH_BYTES) refuse(entry, 'has too long a name')
  if (name.includes('\0')) refuse(entry, 'has a NUL byte in its name')
  if (name.includes('\\')) refuse(entry, 'has a backslash in its name')
  if (isAbsolute(name)) refuse(entry, 'has an absolute path')
  const segments = name.split('/').filter(isStep)
  if (segments.includes('..')) refuse(entry, 'leaves its folder by ".."')
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES))
    refuse(entry, 'has too long a name')
  if (segments.length > MAX_DEPTH) refuse(entry, `lies more than ${MAX_DEPTH} folders deep`)
  return segments
}

const isStep = (segment: string): boolean => segment !== '' && segment !== '.'

/** A drive of Windows with a path on it is one too; a name such as `a:b.txt` is a name. */
const isAbsolute = (path: string): boolean => path.startsWith('/') || /^[a-z]:[/\\]/i.test(path)

function refuse(name: string, fault: string): never {
  throw new BadArchive(`The archive's entry ${quoted(name)} ${fault}.`)
}
