/** Source archives, tar.gz, tar and zip: looked through before they are believed, and unpacked into a folder named by their content. */
export { BadArchive } from './bad-archive.ts'
export { checkArchive } from './check.ts'
export { UNFINISHED, unpackArchive } from './unpack.ts'
