import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testFolder } from './folder.ts'

/** A file that services of a test wait for, so that what they do lasts exactly as long as the test wants it to. */
export interface Gate {
  /** Python that goes on once the gate is open; it has imported `os` and `time`. */
  readonly python: string
  open(): Promise<void>
  shut(): Promise<void>
  remove(): Promise<void>
}

/** A gate that is shut. */
export async function testGate(): Promise<Gate> {
  const folder = await testFolder()
  await chmod(folder.path, 0o755) // services have users of their own
  const file = join(folder.path, 'open')
  return {
    python: `import os, time\nwhile not os.path.exists(${JSON.stringify(file)}): time.sleep(0.02)\n`,
    open: () => writeFile(file, ''),
    shut: () => rm(file, { force: true }),
    remove: () => folder.remove(),
  }
}
