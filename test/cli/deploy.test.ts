import { once } from 'node:events'
import { chmod, mkdir } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { millrace, millraceAt } from '../../testkit/cli.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { TestServer } from '../../testkit/server.ts'

const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))

const program = (answer: string): Record<string, string> => ({
  'main.mjs': `export const handler = () => new Response(${JSON.stringify(answer)})`,
})

let database: TestDatabase
let server: TestServer
let folder: TestFolder
let run: ReturnType<typeof millraceAt>

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer(database, { AUTH: 'open', MAX_RESTARTS: '1' })
  await server.start()
  run = millraceAt(server.url)
  folder = await testFolder()
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
  await folder.remove()
})

const env = (): Record<string, string> => ({ MILLRACE_URL: server.url })

it('a folder becomes a service that answers, in Node.js and in Python', async () => {
  const told = await run('deploy', example('text-stats'), '--allow-origin', 'https://a.example.com')
  expect(told).toContain('text-stats is READY')
  expect(told).toContain(`${server.url}/deployments/`)
  expect(told).toContain('npx millrace logs text-stats -f')
  expect(told).toMatch(/Open its pages: +http:\/\/svc-\w+\.localhost:\d+\/\n/)
  const asked = { origin: 'https://a.example.com', 'access-control-request-method': 'POST' }
  const url = /http:\S+\/deployments\/\S+/.exec(told)?.[0] ?? ''
  expect((await fetch(url, { method: 'OPTIONS', headers: asked })).status).toBe(204)
  expect(JSON.parse(await run('invoke', 'text-stats', '--data', 'two words'))).toMatchObject({
    words: 2,
  })

  const picture = `${example('image-stats')}/picture.png`
  await run('deploy', example('image-stats'), '--instances', '2')
  expect(JSON.parse(await run('invoke', 'image-stats', '--file', picture))).toMatchObject({
    width: 24,
  })
})

it('an unchanged folder is not sent again; a changed one is a new version, from which there is a way back', async () => {
  const deployed = async (): Promise<{ reused: boolean; version: { id: string; label: string } }> =>
    JSON.parse(await run('deploy', folder.path, '--name', 'Changing', '--json'))
  await folder.write(program('first'))
  const first = await deployed()
  const again = await deployed()
  expect(first).toMatchObject({ reused: false, service: { handle: 'changing', status: 'READY' } })
  expect(first.version.label).toMatch(/^[0-9a-f]{12}$/)
  expect(again).toMatchObject({ reused: true, version: first.version })

  await folder.write(program('second'))
  const second = await deployed()
  expect(second.version.label).not.toBe(first.version.label)
  expect(await run('invoke', 'changing', '--data', '')).toBe('second')

  const back: unknown = JSON.parse(await run('rollback', 'changing', '--json'))
  expect(back).toMatchObject({ status: 'READY', version: first.version, targetVersion: null })
  expect(await run('invoke', 'changing', '--data', '')).toBe('first')
  await run('rollback', 'changing', '--to', second.version.label)
  expect(await run('invoke', 'changing', '--data', '')).toBe('second')
  await run('rollback', 'changing', '--to', first.version.id)
  expect(await run('invoke', 'changing', '--data', '')).toBe('first')
})

it('an upload that was cut off is made up for by deploying again', async () => {
  await folder.write(program('whole'))
  const way = await cutsUploads(server.url)
  const args = ['deploy', folder.path, '--name', 'cut', '--json']
  const { code } = await millrace(args, { env: { MILLRACE_URL: way.url } })
  expect({ code, cuts: way.cuts() }).toEqual({ code: 1, cuts: 1 })
  await way.close()

  const made: unknown = JSON.parse(await run(...args))
  expect(made).toMatchObject({ reused: false, service: { status: 'READY' } })
  expect(await run('invoke', 'cut', '--data', '')).toBe('whole')
})

it('files that macOS has added to a folder are left out, and named', async () => {
  const double = '\0\u0005\u0016\u0007\0\u0002\0\0'
  const mac = await testFolder({ ...program('mac'), '._main.mjs': double })
  const { code, stderr } = await millrace(['deploy', mac.path, '--name', 'mac', '--no-wait'], {
    env: env(),
  })
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining(
      'Left out, as files that macOS adds automatically: ._main.mjs.\n',
    ),
  })
  await mac.remove()
})

it('empty folders and programs arrive as they were, and what is left out is told each time', async () => {
  const code = await testFolder({
    'main.mjs': `import { lstatSync, readdirSync } from 'node:fs'
const tree = () => readdirSync('.', { recursive: true }).map((path) => [path, lstatSync(path).mode.toString(8)])
export const handler = () => Response.json(Object.fromEntries(tree()))`,
    'run.sh': '#!/bin/sh',
    'data.csv': '',
    'notes.log': '',
    '.gitignore': '*.log\nout/*\n',
    'out/last.txt': '',
    'node_modules/a/index.js': '',
  })
  await mkdir(`${code.path}/empty/er`, { recursive: true })
  await chmod(`${code.path}/run.sh`, 0o744)
  const args = ['deploy', code.path, '--name', 'as it was']
  const first = await millrace(args, { env: env() })
  const again = await millrace([...args, '--json'], { env: env() })
  for (const { code: exit, stderr } of [first, again]) {
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: expect.any(String) })
    expect(stderr).toContain('Left out, as .gitignore says: 2 files (notes.log, out/last.txt).\n')
    expect(stderr).toContain('Left out, as installed packages: 1 folder (node_modules).\n')
  }
  expect(JSON.parse(again.stdout)).toMatchObject({ reused: true })
  const there = JSON.parse(await run('invoke', 'as-it-was', '--data', '')) as object
  expect(there).toEqual({
    '.gitignore': '100644',
    'data.csv': '100644',
    empty: '40755',
    'empty/er': '40755',
    'main.mjs': '100644',
    out: '40755',
    'run.sh': '100755',
  })
  await code.remove()
})

it('a label that is taken by other content is refused', async () => {
  await folder.write(program('one'))
  await run('deploy', folder.path, '--name', 'labels', '--version', '1.0')
  await folder.write(program('another'))
  const { code, stderr } = await millrace(
    ['deploy', folder.path, '--name', 'labels', '--version', '1.0'],
    { env: env() },
  )
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      'Version 1.0 already exists with other content or another way to run it. Use another --version, or leave it out.\n',
  })
})

it('a service that was stopped runs the new version', async () => {
  await folder.write(program('before'))
  await run('deploy', folder.path, '--name', 'rests')
  await run('stop', 'rests')
  await folder.write(program('after'))
  await run('deploy', folder.path, '--name', 'rests')
  expect(await run('invoke', 'rests', '--data', '')).toBe('after')
})

it('variables reach the process, and secrets stay hidden', async () => {
  const echo = await testFolder({
    'main.mjs': 'export const handler = () => Response.json([process.env.MODE, process.env.KEY])',
  })
  const given = ['--env', 'MODE=a=b', '--secret', 'KEY=hush', '--no-wait', '--json']
  const told = await run('deploy', echo.path, '--name', 'variables', ...given)
  expect(told).not.toContain('hush')
  await run('start', 'variables').catch(() => '') // starting already: there is nothing to start
  await run('scale', 'variables', '1')
  expect(JSON.parse(await run('invoke', 'variables', '--data', ''))).toEqual(['a=b', 'hush'])
  await echo.remove()
})

it('a program that does not start is FAILED with its reason and its last lines', async () => {
  const broken = await testFolder({ 'main.py': 'raise Exception("no model here")' })
  const { code, stdout, stderr } = await millrace(['deploy', broken.path, '--name', 'broken'], {
    env: env(),
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('  | Exception: no model here\n')
  expect(stderr).toMatch(/broken failed: .+\n$/)

  await broken.write({
    'main.py': 'def handler(request, context):\n    return {"content": "mended"}',
  })
  await run('deploy', broken.path, '--name', 'broken')
  expect(await run('invoke', 'broken', '--data', '')).toContain('mended')
  await broken.remove()
})

/** A way to a server that cuts whatever sends it an archive. */
async function cutsUploads(
  target: string,
): Promise<{ url: string; cuts(): number; close(): Promise<void> }> {
  const { hostname, port } = new URL(target)
  let cuts = 0
  const way = createServer((near) => {
    const far = connect(Number(port), hostname)
    const end = (): void => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
    far.pipe(near)
    near.on('data', (bytes: Buffer) => {
      const isUpload = bytes.toString('latin1').startsWith('PUT /uploads/')
      // the server sees how it begins
      far.write(isUpload ? bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 8) : bytes)
      if (!isUpload) return
      cuts += 1
      far.end(end)
    })
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  const { port: own } = way.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${own}`,
    cuts: () => cuts,
    async close() {
      way.close()
      await once(way, 'close')
    },
  }
}
