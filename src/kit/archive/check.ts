import { type ArchiveOptions, type ArchiveSummary, type OpenArchive, walkArchive } from './walk.ts'

/**
 * Reads the whole archive and keeps nothing of it. Throws BadArchive with a sentence for the user when unpackArchive
 * would refuse it; resolves with what is in it otherwise.
 */
export function checkArchive(open: OpenArchive, options: ArchiveOptions): Promise<ArchiveSummary> {
  return walkArchive(open, options, async ({ body }) => {
    for await (const _chunk of body);
  })
}
