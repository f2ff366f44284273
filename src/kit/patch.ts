/**
 * Throws unless a library has the part in whose place something of ours is put, or on which it rests, though the library
 * does not promise it. To be asked where that is done, as the module is loaded, so that a server whose library is another
 * does not start.
 */
export function mustHave(library: string, part: string, isThere: boolean): void {
  if (isThere) return
  throw new Error(
    `${library} has no ${part} any more, which Millrace builds on: look at what was made of it before you use this version.`,
  )
}
