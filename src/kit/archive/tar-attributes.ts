import { BadArchive, quoted } from './bad-archive.ts'

/** Attributes of a PAX header, in their order: a key may come again (GNU.sparse.offset). */
export type Attributes = readonly (readonly [key: string, value: Buffer])[]

/** Reads the records `<length> <key>=<value>\n`. Throws BadArchive where they are none. */
export function paxAttributes(bytes: Buffer, whose: string): Attributes {
  const attributes: [string, Buffer][] = []
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const space = bytes.indexOf(' ', at)
    const length = Number(bytes.toString('latin1', at, Math.max(at, space)))
    const record = bytes.subarray(space + 1, at + length)
    const equals = record.indexOf('=')
    if (space < 0 || !(at + length <= bytes.length) || equals < 1 || record.at(-1) !== 0x0a)
      throw new BadArchive(`The archive's entry ${quoted(whose)} has attributes that are none.`)
    attributes.push([record.toString('utf8', 0, equals), record.subarray(equals + 1, -1)])
    at += length
  }
  return attributes
}

/** The last value of a key; undefined where there is none, or an empty one, which takes back an earlier. */
export function attribute(attributes: Attributes, key: string): Buffer | undefined {
  const value = attributes.findLast(([name]) => name === key)?.[1]
  return value?.length ? value : undefined
}

/** But the last of these keys, each. */
export const lastOfEach = (attributes: Attributes, keys: readonly string[]): Attributes =>
  keys.flatMap((key) => {
    const value = attribute(attributes, key)
    return value ? [[key, value] as const] : []
  })
