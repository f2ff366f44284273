// Starts `thread.ts`: as it was built, or beside the sources as tsx reads it.
import { existsSync } from 'node:fs'

const isSource = existsSync(new URL('./thread.ts', import.meta.url))
if (isSource) {
  const { register } = await import('tsx/esm/api')
  register()
}
await import(isSource ? './thread.ts' : './thread.js')
