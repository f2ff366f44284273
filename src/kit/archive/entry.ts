/** One thing in an archive, as the format tells it: nothing is checked yet. */
export interface RawEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'symlink' | 'hardlink'
  /** Where a link leads, as written. */
  readonly target: string
  readonly executable: boolean
  /** The bytes of a file. Must be read to the end before the next entry is asked for. */
  readonly body: AsyncIterable<Buffer>
}

/** An entry whose path and target stay inside the folder; paths have `/`, and neither `.` nor `..`. */
export interface ArchiveEntry extends RawEntry {
  readonly path: string
}

export async function* noBytes(): AsyncGenerator<Buffer> {}
