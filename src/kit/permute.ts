/**
 * A fixed permutation of the 64-bit numbers (multiplication by an odd constant modulo 2^64), so that a short
 * `serial` can be written as 16 hexadecimal digits that do not look like a counter, and be read back without a
 * table. It hides nothing: it only spells.
 */
const FACTOR = 0x9e3779b97f4a7c15n
const INVERSE = inverse(FACTOR)

export const toHex16 = (serial: bigint): string =>
  BigInt.asUintN(64, serial * FACTOR)
    .toString(16)
    .padStart(16, '0')

/** The serial behind 16 lower-case hexadecimal digits; undefined for other text or what no serial spells. */
export function fromHex16(text: string): bigint | undefined {
  if (!/^[0-9a-f]{16}$/.test(text)) return undefined
  const serial = BigInt.asUintN(64, BigInt(`0x${text}`) * INVERSE)
  return serial < 2n ** 63n ? serial : undefined
}

/** Newton's iteration doubles the number of right bits each round; an odd number is right to three bits. */
function inverse(odd: bigint): bigint {
  let x = odd
  for (let bits = 3; bits < 64; bits *= 2) x = BigInt.asUintN(64, x * (2n - odd * x))
  return x
}
