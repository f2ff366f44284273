/** Some of a number of bytes: from the first to the last, both included, counted from 0. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * What a header `Range` asks for of so many bytes (RFC 9110, 14.1.2): a range that they have, `none` of them, or
 * undefined, for all, where it asks for nothing that is understood here, such as several ranges at once.
 */
export function rangeIn(header: string, sizeBytes: number): ByteRange | 'none' | undefined {
  const [, from = '', to = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header) ?? []
  if (from === '' && to === '') return undefined
  const end = sizeBytes - 1
  if (from === '') {
    // the last of no bytes can be sent
    if (sizeBytes === 0 && Number(to) > 0) return undefined
    const count = Math.min(Number(to), sizeBytes)
    return count === 0 ? 'none' : { first: sizeBytes - count, last: end }
  }
  const first = Number(from)
  const last = to === '' ? end : Math.min(Number(to), end)
  if (to !== '' && Number(to) < first) return undefined
  return first > end ? 'none' : { first, last }
}
