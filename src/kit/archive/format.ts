import { BadArchive } from './bad-archive.ts'
import { isTarHeader } from './tar-header.ts'

export type ArchiveFormat = 'tar.gz' | 'tar' | 'zip'

/** What people send instead, by its first bytes. */
const OTHERS: readonly (readonly [magic: string, what: string])[] = [
  ['BZh', 'compressed by bzip2'],
  ['\xfd7zXZ\0', 'compressed by xz'],
  ['\x28\xb5\x2f\xfd', 'compressed by zstd'],
  ['\x04\x22\x4d\x18', 'compressed by lz4'],
  ['\x1f\x9d', 'compressed by compress'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['Rar!', 'a rar archive'],
  ['070701', 'a cpio archive'],
  ['070707', 'a cpio archive'],
  ['PK\x07\x08', 'one part of a zip archive in several'],
  ['#!', 'a script, or an archive with a script before it'],
  ['MZ', 'a program, or an archive that unpacks itself'],
  ['<', 'a page of HTML or XML'],
]

/** Told by the first block, not by a name. Throws BadArchive where it is another. */
export function formatOf(head: Buffer): ArchiveFormat {
  if (head.length === 0) throw new BadArchive('The archive is empty: it has no bytes.')
  const begins = (magic: string): boolean => head.toString('latin1', 0, magic.length) === magic
  if (begins('\x1f\x8b')) return 'tar.gz'
  if (begins('PK\x03\x04') || begins('PK\x05\x06')) return 'zip'
  if (isTarHeader(head.subarray(0, 512)) || head.toString('latin1', 257, 262) === 'ustar')
    return 'tar'
  const other = OTHERS.find(([magic]) => begins(magic))
  throw new BadArchive(
    other === undefined
      ? 'This is no archive: a tar.gz, tar or zip file is needed.'
      : `This is ${other[1]}: a tar.gz, tar or zip file is needed.`,
  )
}
