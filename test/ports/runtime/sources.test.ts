import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sourcesIn } from '../../../src/ports/runtime/shared/sources.ts'
import { sourceOf } from '../../../testkit/archive.ts'
import { testFolder } from '../../../testkit/folder.ts'

it('what a killed server has left half unpacked is removed, and what is whole is not', async () => {
  const folder = await testFolder({})
  const sources = sourcesIn(folder.path)
  const source = await sourceOf({ 'main.py': '' })
  await sources.unpacked(source)
  await folder.write({
    [`unpacked/.${source.sha256}.2d3f.tmp/a/main.py`]: 'hal',
    'unpacked/060df213-b3ce-4e1b-b60e-172ac3b53bdc.zip.tmp': 'PK',
  })
  await sources.tidy()
  expect(await readdir(join(folder.path, 'unpacked'))).toEqual([source.sha256])
  expect(await readdir(join(folder.path, 'unpacked', source.sha256))).toEqual(['main.py'])
  await folder.remove()
})
