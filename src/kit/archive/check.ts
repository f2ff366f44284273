import { hasControls } from '../controls.ts'
import { BadArchive, quoted } from './bad-archive.ts'
import { type ArchiveOptions, type ArchiveSummary, type OpenArchive, walkArchive } from './walk.ts'

/**
 * Reads the whole archive and keeps nothing of it. Throws BadArchive with a sentence for the user when unpackArchive
 * would refuse it, or when a name has control or text-direction characters; resolves with what is in it otherwise.
 */
export async function checkArchive(
  open: OpenArchive,
  options: ArchiveOptions,
): Promise<ArchiveSummary> {
  const summary = await walkArchive(open, options, async ({ name, target, body }) => {
    mustBeSeen(name)
    mustBeSeen(target, name)
    for await (const _chunk of body);
  })
  for (const name of summary.leftOut) mustBeSeen(name)
  return summary
}

function mustBeSeen(text: string, name = text): void {
  if (hasControls(text))
    throw new BadArchive(
      `The archive's entry ${quoted(name)} has control or text-direction characters in its name.`,
    )
}
