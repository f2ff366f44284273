import { inJson } from '../controls.ts'

/** The archive is not fit to be unpacked; the message is one sentence for whoever sent it. */
export class BadArchive extends Error {}

/** The archive could not be read from where it lies: our fault, not its sender's. Never leaves this folder. */
export class SourceFault extends Error {}

/** What a reader's library says of broken bytes, as a sentence of ours; what is known already passes. */
export function corrupt(cause: unknown, where = 'The archive'): Error {
  if (cause instanceof BadArchive || cause instanceof SourceFault) return cause
  const detail = cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
  return new BadArchive(`${where} is corrupt or cut off (${detail}).`, { cause })
}

/** What the archive says, such as a name, to be told in a sentence. */
export const quoted = (text: string): string =>
  inJson(JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text))
