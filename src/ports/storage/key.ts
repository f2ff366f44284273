const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/

/** The segments of a storage key. Throws on everything that is not one, `..` above all. */
export function segmentsOf(key: string): readonly [string, ...string[]] {
  const [first, ...rest] = key.split('/')
  if (first === undefined || ![first, ...rest].every((segment) => SEGMENT.test(segment)))
    throw new TypeError(`${JSON.stringify(key)} is not a storage key.`)
  return [first, ...rest]
}
