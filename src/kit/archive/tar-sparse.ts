import { BadArchive, quoted } from './bad-archive.ts'
import type { ByteReader } from './bytes.ts'
import { attribute, type Attributes } from './tar-attributes.ts'
import { BLOCK_BYTES, number } from './tar-header.ts'

/*
 * Files with holes, of which an archive has only the rest: GNU's tar -S writes them, and macOS' bsdtar by itself. Where
 * their bytes belong is told in one of four ways: in the header and blocks behind it (old GNU, type S), in attributes
 * that come again and again (PAX 0.0), in one attribute (0.1), or at the beginning of the content (1.0).
 */

/** Bytes of a file that are not within a hole. */
interface Region {
  readonly offset: number
  readonly length: number
}

export interface SparseMap {
  /** Of the file with its holes. */
  readonly size: number
  readonly regions: readonly Region[]
}

/** Most regions of one file. */
const MAX_REGIONS = 20_000

/** The map of an old GNU header, with the blocks behind it, which are no part of the entry's size. */
export async function oldSparseMap(header: Buffer, bytes: ByteReader): Promise<SparseMap> {
  const numbers = numbersIn(header, 386, 4)
  for (let isMore = header[482] !== 0; isMore && numbers.length <= 2 * MAX_REGIONS;) {
    const block = await bytes.take(BLOCK_BYTES)
    if (block.length < BLOCK_BYTES) return NO_MAP
    numbers.push(...numbersIn(block, 0, 21))
    isMore = block[504] !== 0
  }
  return { size: number(header, 483, 12), regions: regionsOf(numbers) }
}

const numbersIn = (block: Buffer, at: number, regions: number): number[] =>
  Array.from({ length: 2 * regions }, (_, n) => number(block, at + 12 * n, 12))

export const isSparse = (attributes: Attributes): boolean =>
  attributes.some(([key]) => key.startsWith('GNU.sparse.'))

/** What attributes say, and with 1.0 the content, which `read` takes a piece of. */
export async function paxSparseMap(
  attributes: Attributes,
  read: (count: number) => Promise<Buffer>,
): Promise<SparseMap> {
  const text = (key: string): string | undefined =>
    attribute(attributes, `GNU.sparse.${key}`)?.toString('latin1')
  const size = Number(text('realsize') ?? text('size') ?? Number.NaN)
  const [major = '0', map] = [text('major'), text('map')]
  if (major === '1') return { size, regions: regionsOf(await mapWithin(read)) }
  if (major !== '0') return NO_MAP
  if (map !== undefined) return { size, regions: regionsOf(map.split(',').map(Number)) }
  const numbers = attributes
    .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
    .map(([, value]) => Number(value.toString('latin1')))
  return { size, regions: regionsOf(numbers) }
}

/** The number of regions, then offset and length of each, in decimal lines that fill whole blocks. */
async function mapWithin(read: (count: number) => Promise<Buffer>): Promise<number[]> {
  const numbers: number[] = []
  let rest = ''
  do {
    const block = await read(BLOCK_BYTES)
    if (block.length < BLOCK_BYTES) return [Number.NaN]
    const lines = (rest + block.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    numbers.push(...lines.map(Number))
  } while (numbers.length <= 2 * Math.min(numbers[0] ?? 0, MAX_REGIONS))
  const [count = 0] = numbers
  return count <= MAX_REGIONS ? numbers.slice(1, 1 + 2 * count) : [Number.NaN]
}

/** No map at all: nothing fits it. */
const NO_MAP: SparseMap = { size: Number.NaN, regions: [] }

function regionsOf(numbers: readonly number[]): Region[] {
  const regions: Region[] = []
  for (let at = 0; at < numbers.length; at += 2) {
    const [offset = Number.NaN, length = Number.NaN] = numbers.slice(at, at + 2)
    if (length !== 0) regions.push({ offset, length })
  }
  return regions
}

/** Throws BadArchive unless the regions lie in the file, one behind the other, and are as long as the content. */
export function mustFit({ size, regions }: SparseMap, contentBytes: number, name: string): void {
  let end = 0
  let sum = 0
  let isGood = Number.isSafeInteger(size) && regions.length <= MAX_REGIONS
  for (const { offset, length } of regions) {
    isGood &&= Number.isSafeInteger(offset) && Number.isSafeInteger(length)
    isGood &&= offset >= end && length > 0
    end = offset + length
    sum += length
  }
  if (!isGood || end > size || sum !== contentBytes)
    throw new BadArchive(
      `The archive's entry ${quoted(name)} is a sparse file without a valid map of its holes.`,
    )
}

/** The whole file, its holes as zeros. */
export async function* withHoles(
  { size, regions }: SparseMap,
  read: (count: number) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let at = 0
  for (const { offset, length } of regions) {
    yield* zeros(offset - at)
    yield* read(length)
    at = offset + length
  }
  yield* zeros(size - at)
}

const ZEROS = Buffer.alloc(256 * 1024)

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left)
}
