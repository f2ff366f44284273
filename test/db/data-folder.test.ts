import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DataFolderInUse, lockDataFolder } from '../../src/db/data-folder.ts'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'millrace-lock-')), 'data')
})
afterEach(() => rm(join(folder, '..'), { recursive: true }))

test('a second process is refused with a sentence that names the first, until the first is killed', async () => {
  const first = await lockingProcess()
  const refusal = await lockDataFolder(folder).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(DataFolderInUse)
  expect(String(refusal)).toContain(
    `The data folder ${folder} is in use by process ${first.pid}: stop that one first`,
  )
  first.kill('SIGKILL')
  await once(first, 'exit')
  const lock = await lockDataFolder(folder)
  await lock.release()
})

test('a released folder can be taken again', async () => {
  const first = await lockDataFolder(folder)
  await expect(lockDataFolder(folder)).rejects.toThrow(`process ${process.pid}`)
  await first.release()
  const second = await lockDataFolder(folder)
  await second.release()
})

test('a new folder is its owner’s alone', async () => {
  const lock = await lockDataFolder(folder)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  await lock.release()
})

/** Another process that has locked the folder and stays. */
async function lockingProcess(): Promise<ChildProcess> {
  const module = new URL('../../src/db/data-folder.ts', import.meta.url).href
  const script = `
    import { lockDataFolder } from ${JSON.stringify(module)}
    await lockDataFolder(${JSON.stringify(folder)})
    console.log('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(child.stdout, 'data')
  return child
}
