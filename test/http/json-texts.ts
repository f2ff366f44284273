import * as fc from 'fast-check'

/** A JSON text, and the one that plain GraphQL shows for it. */
interface Written {
  readonly text: string
  readonly shown: string
}

const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength, maxLength })

const whole = fc.oneof(
  digits(1, 25).map((text) => text.replace(/^0+(?=\d)/, '')),
  fc.constantFrom('9007199254740991', '9007199254740992', '9007199254740993', '1'.repeat(400)),
)

const number: fc.Arbitrary<Written> = fc
  .tuple(
    fc.constantFrom('', '-'),
    whole,
    fc.option(digits(1, 20), { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-', 'e-0'), digits(1, 3)), {
      nil: undefined,
    }),
  )
  .map(([sign, before, after, power]) => {
    const fraction = after === undefined ? '' : `.${after}`
    const text = `${sign}${before}${fraction}${power?.join('') ?? ''}`
    const isWhole = after === undefined && power === undefined
    const isShown = isWhole
      ? BigInt(before) <= BigInt(Number.MAX_SAFE_INTEGER)
      : Math.abs(Number(text)) <= Number.MAX_VALUE
    return { text, shown: isShown ? text : `"${text}"` }
  })

/** Characters as they may be written: escapes that are needed, and some that are not. */
const letters = [
  ...'aZ09 /{}[],:eE-'.split(''),
  'é',
  '\u{1f600}',
  '\u2028',
  String.raw`\u0000`,
  String.raw`\ud800`,
  String.raw`\udc00`,
  String.raw`\u0041`,
  String.raw`\u00E9`,
  String.raw`\/`,
  String.raw`\"`,
  String.raw`\\`,
  String.raw`\n`,
]
const string = fc
  .array(fc.constantFrom(...letters), { maxLength: 12 })
  .map((all) => `"${all.join('')}"`)

/** Keys: any, those that JavaScript would move, and those that it treats in ways of its own. */
const key = fc.oneof(
  string,
  fc.nat({ max: 20 }).map((n) => `"${n}"`),
  fc.constantFrom('"a"', '"a"', '"__proto__"', '"toJSON"', '"constructor"', String.raw`"\u0061"`),
)

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n  ')

const same = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<Written> =>
  arbitrary.map((text) => ({ text, shown: text }))

const nest = (open: string, close: string, member: fc.Arbitrary<Written>): fc.Arbitrary<Written> =>
  fc.tuple(fc.array(member, { maxLength: 5 }), space).map(([members, gap]) => ({
    text: `${open}${gap}${members.map(({ text }) => text).join(`${gap},`)}${gap}${close}`,
    shown: `${open}${members.map(({ shown }) => shown).join(',')}${close}`,
  }))

const { value } = fc.letrec<{ value: Written; list: Written; object: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    number,
    same(string),
    fc.constantFrom('1e400', '-1E400').map((text) => ({ text, shown: `"${text}"` })),
    same(fc.constantFrom('null', 'true', 'false', '-0', '1.0', '0.10', '1e-400')),
    tie('list'),
    tie('object'),
  ),
  list: nest('[', ']', tie('value')),
  object: nest(
    '{',
    '}',
    fc.tuple(key, space, tie('value')).map(([name, gap, { text, shown }]) => ({
      text: `${name}${gap}:${gap}${text}`,
      shown: `${name}:${shown}`,
    })),
  ),
}))

/** JSON texts as anybody may write them. */
export const jsonTexts: fc.Arbitrary<Written> = value
