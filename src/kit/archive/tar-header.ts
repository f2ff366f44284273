import { isUtf8 } from 'node:buffer'
import { BadArchive } from './bad-archive.ts'

export const BLOCK_BYTES = 512

/** What a block says that stands before an entry. */
export interface TarHeader {
  readonly type: string
  /** As it stands in the block: names that are too long for it stand before it. */
  readonly name: Buffer
  readonly target: Buffer
  readonly mode: number
  /** NaN where it is no number. */
  readonly size: number
  readonly block: Buffer
}

/** Throws BadArchive where the sum of the block is not the one it tells. */
export function tarHeader(block: Buffer): TarHeader {
  if (!isTarHeader(block))
    throw new BadArchive(
      'The archive is corrupt or cut off (no tar entry begins where one should).',
    )
  const name = text(block, 0, 100)
  const prefix = isPosix(block) ? text(block, 345, 155) : Buffer.alloc(0)
  return {
    type: block[156] === 0 ? '0' : block.toString('latin1', 156, 157),
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    target: text(block, 157, 100),
    mode: number(block, 100, 8) || 0,
    size: number(block, 124, 12),
    block,
  }
}

/** Whether the block tells its own sum, which some old tools made of signed bytes. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK_BYTES || isZeros(block)) return false
  const told = number(block, 148, 8)
  let sum = 8 * 0x20
  let signed = sum
  for (let at = 0; at < BLOCK_BYTES; at++)
    if (at < 148 || at >= 156) {
      sum += block.readUInt8(at)
      signed += block.readInt8(at)
    }
  return told === sum || told === signed
}

/** GNU has other things where POSIX has the beginning of a long name. */
const isPosix = (block: Buffer): boolean => block.toString('latin1', 257, 263) === 'ustar\0'

/** A number in octal digits, or in binary where it is too large for them; NaN where it is neither. */
export function number(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length)
  const first = field.readUInt8(0)
  if (first === 0x80) return Number(BigInt(`0x${field.toString('hex', 1)}`))
  if (first > 0x80) return Number.NaN
  const [digits = ''] = field.toString('latin1').trimStart().split(/[\0 ]/, 1)
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN
}

function text(block: Buffer, at: number, length: number): Buffer {
  return untilNul(block.subarray(at, at + length))
}

export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

const ZEROS = Buffer.alloc(64 * 1024)

/** Of at most 64 KiB. */
export const isZeros = (bytes: Buffer): boolean => bytes.equals(ZEROS.subarray(0, bytes.length))

/** A name as UTF-8 where it is, else as Latin-1: every byte tells two names apart. */
export const decoded = (name: Buffer): string => name.toString(isUtf8(name) ? 'utf8' : 'latin1')
