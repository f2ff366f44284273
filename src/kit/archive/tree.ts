import { BadArchive } from './bad-archive.ts'
import type { RawEntry } from './entry.ts'

const MAX_PATH_BYTES = 1024
const MAX_SEGMENT_BYTES = 255
const MAX_LINKS = 2_000
const MAX_STEPS = 256

type Node = { readonly kind: RawEntry['kind']; readonly target: string }

/**
 * The folder an archive would make, built entry by entry to find what leaves it. Nothing may lie below a link, so
 * that unpacking never writes through one; where links lead is judged when all of them are known (`finish`), because a
 * later link can bend an earlier one.
 */
export class Tree {
  readonly #nodes = new Map<string, Node>()
  readonly #links: { path: string; target: string; name: string }[] = []

  /** The entry's path inside the folder, '' for the folder itself. Throws BadArchive. */
  add({ name, kind, target }: RawEntry): string {
    const segments = safeSegments(name)
    const path = segments.join('/')
    if (path === '') {
      if (kind !== 'folder') refuse(name, 'has no name')
      return ''
    }
    this.#addParents(name, segments)
    const known = this.#nodes.get(path)
    if (known && (known.kind !== kind || (kind !== 'file' && kind !== 'folder')))
      refuse(name, 'comes twice')
    if (kind === 'hardlink') this.#checkHardlink(name, target)
    if (kind === 'symlink') {
      if (this.#links.push({ path, target, name }) > MAX_LINKS)
        throw new BadArchive(`The archive has more than ${MAX_LINKS} links.`)
      this.#follow(name, path, target)
    }
    this.#nodes.set(path, { kind: kind === 'hardlink' ? 'file' : kind, target })
    return path
  }

  /** Judges every link once more, now that all are known. Throws BadArchive. */
  finish(): void {
    for (const { name, path, target } of this.#links) this.#follow(name, path, target)
  }

  #addParents(name: string, segments: readonly string[]): void {
    for (let length = 1; length < segments.length; length++) {
      const parent = segments.slice(0, length).join('/')
      const known = this.#nodes.get(parent)
      if (known === undefined) this.#nodes.set(parent, { kind: 'folder', target: '' })
      else if (known.kind === 'symlink') refuse(name, `lies below the link ${quoted(parent)}`)
      else if (known.kind !== 'folder') refuse(name, `lies below the file ${quoted(parent)}`)
    }
  }

  #checkHardlink(name: string, target: string): void {
    const path = safeSegments(target, name).join('/')
    if (this.#nodes.get(path)?.kind !== 'file')
      refuse(name, `is a link to ${quoted(target)}, which is no file earlier in the archive`)
  }

  #follow(name: string, path: string, target: string): void {
    if (target === '' || target.includes('\0') || target.includes('\\') || isAbsolute(target))
      refuse(name, `is a link to ${quoted(target)}, outside its folder`)
    if (Buffer.byteLength(target) > MAX_PATH_BYTES) refuse(name, 'is a link with too long a target')
    const here = path.split('/').slice(0, -1)
    const todo = target.split('/').toReversed()
    for (let steps = 0, step = todo.pop(); step !== undefined; step = todo.pop()) {
      if (step === '' || step === '.') continue
      if (++steps > MAX_STEPS) refuse(name, 'is a link that leads in circles')
      if (step === '..') {
        if (here.pop() === undefined)
          refuse(name, `is a link to ${quoted(target)}, outside its folder`)
        continue
      }
      here.push(step)
      const met = this.#nodes.get(here.join('/'))
      if (met?.kind !== 'symlink') continue
      here.pop()
      todo.push(...met.target.split('/').toReversed())
    }
  }
}

function safeSegments(name: string, entry = name): string[] {
  if (name.includes('\0')) refuse(entry, 'has a NUL byte in its name')
  if (name.includes('\\')) refuse(entry, 'has a backslash in its name')
  if (isAbsolute(name)) refuse(entry, 'has an absolute path')
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) refuse(entry, 'leaves its folder by ".."')
  if (
    Buffer.byteLength(name) > MAX_PATH_BYTES ||
    segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
  )
    refuse(entry, 'has too long a name')
  return segments
}

const isAbsolute = (path: string): boolean => path.startsWith('/') || /^[a-z]:/i.test(path)

const quoted = (text: string): string =>
  JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)

function refuse(name: string, fault: string): never {
  throw new BadArchive(`The archive's entry ${quoted(name)} ${fault}.`)
}
