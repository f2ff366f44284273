export type FolderNode =
  | { readonly kind: 'file' }
  | { readonly kind: 'folder'; readonly folder: Folder }
  | { readonly kind: 'symlink'; readonly steps: readonly string[] }

/**
 * What lies in a folder, by name. Some file systems take names for one that differ only in capitals or in how an
 * accent is written. Files may: the later replaces the earlier there. Folders that may become one are one here. A link
 * may not be met under another name than its own, for it would lead where nobody has looked.
 */
export class Folder {
  readonly #exact = new Map<string, FolderNode>()
  /** Of those that some file systems take for one: the link, else a folder, else a file. */
  readonly #folded = new Map<string, FolderNode>()

  get(name: string): FolderNode | undefined {
    return this.#exact.get(name)
  }

  /** What a file system may find under a name. */
  find(name: string): FolderNode | undefined {
    return this.#exact.get(name) ?? this.#folded.get(folded(name))
  }

  /** The folder that some file systems take for a folder of this name. */
  twin(name: string): Folder | undefined {
    const met = this.#folded.get(folded(name))
    return met?.kind === 'folder' ? met.folder : undefined
  }

  /** Puts something new under a name; false where it could be taken for a link, or is one that could be taken for it. */
  add(name: string, node: FolderNode): boolean {
    const key = folded(name)
    const twin = this.#folded.get(key)
    if (twin && (twin.kind === 'symlink' || node.kind === 'symlink')) return false
    this.#exact.set(name, node)
    if (twin?.kind !== 'folder') this.#folded.set(key, node)
    return true
  }
}

const folded = (name: string): string => name.normalize('NFC').toUpperCase().toLowerCase()
