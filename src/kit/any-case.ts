/**
 * A regular expression for a text in whatever case its characters are, of literals and sets of characters alone:
 * PostgreSQL and JavaScript (with the flag `u`) read it alike, whatever the locale of the database. Characters are
 * alike by Unicode's simple case folding: Σ, σ and ς are, ẞ and ß are; ß is not ss, and the Turkish İ and ı are only
 * themselves.
 */
export function inAnyCase(text: string): string {
  cased ??= allCased()
  return Array.from(text, likeIt).join('')
}

/** All characters that have another case. */
let cased: string | undefined

function likeIt(character: string): string {
  if (!cased?.includes(character)) return literal(character)
  const alike = cased.match(new RegExp(character, 'giu')) ?? []
  return alike.length < 2 ? literal(character) : `[${alike.join('')}]`
}

const literal = (character: string): string =>
  /[$()*+.?[\\\]^{|}]/.test(character) ? `\\${character}` : character

function allCased(): string {
  let all = ''
  for (let code = 0; code <= 0x1_ff_ff; code += 1) {
    const character = String.fromCodePoint(code)
    if (/\p{Changes_When_Casemapped}/u.test(character)) all += character
  }
  return all
}
