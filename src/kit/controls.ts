/*
 * Characters that drive a terminal or a reader's eye instead of being seen: the control characters of ASCII and
 * Latin-1, U+2028 and U+2029, which end a line, and those that turn the direction of the text around them. Joiners and
 * marks of direction (U+200B to U+200F) are left alone: languages need them, and they move nothing else.
 */
const CONTROLS = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u

/** Whether a text has a character that cannot be seen and does something; line ends and tabs are such too. */
export const hasControls = (text: string): boolean => CONTROLS.test(text)

const ALL = new RegExp(CONTROLS, 'gu')

/** The text with every such character as `write` writes it. */
export const withoutControls = (text: string, write: (character: string) => string): string =>
  text.replace(ALL, write)

/** The same JSON, with escapes for the control characters that JSON leaves as they are; line ends are its own. */
export const inJson = (json: string): string =>
  withoutControls(json, (character) =>
    character === '\n' ? character : `\\u${hexOf(character, 4)}`,
  )

/** The number of a character, in so many digits. */
export const hexOf = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, '0')
