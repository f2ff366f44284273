import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { openProcessRuntime, type OpenOptions } from '../../../src/ports/runtime/process/open.ts'
import { type Program, type Runtime, UserTaken } from '../../../src/ports/runtime/runtime.ts'
import { sourceOf, tar } from '../../../testkit/archive.ts'
import { until } from '../../../testkit/until.ts'
import { readAll, texts } from './conformance.ts'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

/* What the process runtime is on this machine: tried at its start. Root's is walled, anybody else's is not. */
const isRoot = process.geteuid?.() === 0
const root = mkdtempSync(join(tmpdir(), 'millrace-open-'))
await chmod(root, 0o711)
afterAll(() => rm(root, { recursive: true, force: true }))
let count = 0

async function opened(more: Partial<OpenOptions> = {}) {
  const dir = join(root, `data-${(count += 1)}`)
  mkdirSync(dir, { mode: 0o700 })
  const said: string[] = []
  const runtime = await openProcessRuntime({
    dir,
    place: `${dir}-runtime`,
    users: { first: 40_000, last: 59_999 },
    python: undefined,
    hidden: [],
    lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    log: { warn: (_facts, message) => void said.push(message) },
    ...more,
  })
  onTestFinished(() => runtime.close())
  return { runtime, dir, said }
}

/** What a command prints, as a user out of the middle of the range. */
async function run(
  runtime: Runtime,
  command: string,
  files: Readonly<Record<string, string>> = { 'main.txt': 'main' },
): Promise<string[]> {
  const spec = { source: await sourceOf(files), size: 'cpu-1', environment: {} }
  for (;;)
    try {
      const instance = await runtime.start({
        ...spec,
        key: `open-${(count += 1)}.0`,
        program: { kind: 'command', command },
        user: runtime.facts.users && 45_000 + Math.floor(Math.random() * 10_000),
      })
      await instance.exited
      return texts((await readAll(instance)).lines)
    } catch (cause) {
      if (!(cause instanceof UserTaken)) throw cause
    }
}

/** Opens it, and sees to it that it has no wall, for this reason where root runs the tests. */
async function unwalled(more: Partial<OpenOptions>, why: RegExp): Promise<void> {
  const { runtime } = await opened(more)
  expect(runtime.facts.users).toBeUndefined()
  expect(runtime.facts.unwalled).toMatch(/^Programs run here as the user of the server: .+\.$/)
  if (isRoot) expect(runtime.facts.unwalled).toMatch(why)
  expect(runtime.facts.languages.map(({ kind }) => kind)).toEqual(['python', 'node', 'command'])
  expect(await run(runtime, 'id -u')).toEqual([String(process.geteuid?.())])
}

describe('where it cannot have users of their own for programs, it says why, and runs them all the same', () => {
  test('because nobody wants it', () => unwalled({ users: undefined }, /INSTANCE_USERS is off/))

  test('because a folder on the way is closed to other users', async () => {
    const closed = join(root, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    await unwalled(
      { place: join(closed, 'in-it') },
      new RegExp(`${closed} is closed to other users: set RUNTIME_DIR to a folder outside it`),
    )
  })

  test('because others could have prepared the folder, or could exchange it', async () => {
    const theirs = join(root, 'theirs')
    await mkdir(theirs)
    if (isRoot) await chown(theirs, 12_345, 12_345)
    await unwalled({ place: theirs }, /belongs to user 12345, not to the server: set RUNTIME_DIR/)
    await unwalled({ place: join(theirs, 'below') }, /other users can exchange what is in/)
    const open = join(root, 'open')
    await mkdir(open)
    await chmod(open, 0o777)
    await unwalled({ place: open }, /other users can write to/)
    const file = join(root, 'file')
    await writeFile(file, '')
    await unwalled({ place: file }, /file is no folder: set RUNTIME_DIR/)
    symlinkSync(root, join(root, 'link'))
    await unwalled({ place: join(root, 'link') }, /is no folder/)
  })
})

test('what runs handlers is tried, and a Python that cannot be run is passed over, unless it is the one that is wanted', async () => {
  const closed = join(root, 'home-of-somebody')
  mkdirSync(closed, { mode: 0o700 })
  const python = join(closed, 'python3')
  await writeFile(python, '#!/bin/sh\nexec /usr/bin/env python3 "$@"\n', { mode: 0o755 })
  const before = process.env['PATH']
  process.env['PATH'] = `${closed}:${before}`
  onTestFinished(() => void (process.env['PATH'] = before))
  const { runtime } = await opened()
  const [found, node] = runtime.facts.languages
  expect(found).toMatchObject({ version: expect.stringMatching(/^3\.\d+/), unavailable: undefined })
  expect(node).toMatchObject({ version: process.versions.node, unavailable: undefined })

  const { runtime: other, said } = await opened({ python: join(root, 'no-python') })
  expect(other.facts.languages[0]?.unavailable).toContain('Python was not found as')
  expect(said).toContainEqual(expect.stringContaining('Python was not found as'))
  const program: Program = { kind: 'python', handler: 'main:handler' }
  const spec = { source: await sourceOf({ 'main.py': '' }), size: '', environment: {} }
  await expect(other.start({ ...spec, key: 'a.0', program, user: undefined })).rejects.toThrow(
    'Python was not found as',
  )
  if (!isRoot) return
  const { runtime: wanted } = await opened({ python })
  expect(wanted.facts.unwalled).toBeUndefined()
  expect(wanted.facts.languages[0]?.unavailable).toMatch(
    new RegExp(`${python} cannot be run by user \\d+: ${closed} is closed to other users`),
  )
})

test('a program works in a copy of its source, with modes and links as they were packed, which is gone when it has ended', async () => {
  const { runtime, dir } = await opened()
  const bytes = await tar([
    { name: 'tool', body: '#!/bin/sh\necho tool runs\n', mode: 0o755 },
    { name: 'plain', body: 'plain' },
    { name: 'other', type: 'link', linkname: 'plain' },
    { name: 'below/link', type: 'symlink', linkname: '../plain' },
    { name: 'deep/.abeja/x', body: '' },
    { name: 'deep/here', body: '' },
  ])
  const start = (command: string, key: string) =>
    runtime.start({
      key,
      source: {
        sha256: createHash('sha256').update(bytes).digest('hex'),
        open: () => Promise.resolve(Readable.from([bytes])),
      },
      program: { kind: 'command', command },
      user: runtime.facts.users && 47_000 + (process.pid % 10_000),
      size: '',
      environment: {},
    })
  const look = `../tool; ls; cd ..; stat -c %h plain; readlink below/link; cat below/link; echo; [ -x plain ] || echo plain; echo changed >plain; cat other; echo more >more`
  const instance = await start(look, 'copy-1.0')
  await instance.exited
  const first = texts((await readAll(instance)).lines)
  expect(first).toEqual(['tool runs', 'here', '2', '../plain', 'plain', 'plain', 'changed'])
  const again = await start('cat ../plain; ls ..', 'copy-2.0')
  await again.exited
  expect(texts((await readAll(again)).lines)).toEqual([
    'plainbelow',
    'deep',
    'other',
    'plain',
    'tool',
  ])
  const homes = runtime.facts.users ? `${dir}-runtime/homes` : join(dir, 'homes')
  await until(async () => (await readdir(homes)).length === 0)
})

test('whatever a program leaves in its folder is removed, and nothing else', async () => {
  const { runtime, dir } = await opened()
  const precious = join(root, 'precious')
  await mkdir(precious, { recursive: true })
  await writeFile(join(precious, 'file'), '')
  await chmod(precious, 0o777)
  const deep = 'i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i + 1)); done; echo deep >file'
  const script = `ln -s ${precious} link; mkdir shut; echo x >shut/file; chmod 0 shut; mkdir unlisted; echo x >unlisted/f; chmod 0111 unlisted; mkfifo fifo; $(printf 'mkdir a\\377 ; touch a\\377/\\351 \\351'); ${deep}`
  await run(runtime, script)
  const place = runtime.facts.users ? `${dir}-runtime` : dir
  await until(async () => (await readdir(join(place, 'homes'))).length === 0)
  await until(async () => (await readdir(join(place, 'trash'))).length === 0)
  expect(await readdir(precious)).toEqual(['file'])
})

test('a folder that turns into a link while it is removed leads nowhere', async () => {
  const { runtime, dir } = await opened()
  const precious = join(root, 'precious-too')
  await mkdir(join(precious, 'd'), { recursive: true })
  await writeFile(join(precious, 'd/file'), '')
  // a sibling of the same user, which has the folders open, exchanges them without a pause
  const flip = `for i in $(seq 200); do mkdir -p w/$i/d; done; cd w; echo ready; while :; do for i in *; do mv $i/d $i/e 2>/dev/null && ln -s ${precious}/d $i/d; done; done`
  for (let n = 0; n < 3; n += 1) {
    const user = runtime.facts.users && 48_000 + (process.pid % 10_000)
    const instance = await runtime.start({
      key: `flip-${n}.0`,
      source: await sourceOf({ a: '' }),
      program: { kind: 'command', command: flip },
      user,
      size: '',
      environment: {},
    })
    for await (const { lines } of instance.output('', new AbortController().signal))
      if (texts(lines).includes('ready')) break
    await instance.stop(0)
  }
  const place = runtime.facts.users ? `${dir}-runtime` : dir
  await until(async () => (await readdir(join(place, 'homes'))).length === 0)
  expect(await readdir(join(precious, 'd'))).toEqual(['file'])
})

test.runIf(isRoot)(
  'a program enters its folder as its user, whatever others of that user make of it',
  async () => {
    const { runtime, dir } = await opened()
    const hidden = join(root, 'hidden')
    await mkdir(join(hidden, 'open'), { recursive: true })
    await writeFile(join(hidden, 'open/file'), 'secret')
    await chmod(hidden, 0o700)
    const user = 47_000 + (process.pid % 1_000)
    const start = async (key: string, command: string) =>
      runtime.start({
        key,
        source: await sourceOf({ a: '' }),
        program: { kind: 'command', command },
        user,
        size: '',
        environment: {},
      })
    const exchange = `
    console.log('ready')
    for (;;) for (let n = 0; n < 5; n++) try {
      const home = '${dir}-runtime/homes/entered-' + n + '.0/'
      require('fs').renameSync(home + 'source', home + 'away')
      require('fs').symlinkSync('${hidden}/open', home + 'source')
    } catch {}`
    const other = await start('exchanges.0', `exec '${process.execPath}' -e "${exchange}"`)
    for await (const { lines } of other.output('', new AbortController().signal))
      if (texts(lines).includes('ready')) break
    for (let n = 0; n < 5; n += 1) {
      const instance = await start(`entered-${n}.0`, 'cat file')
      await instance.exited
      expect(texts((await readAll(instance)).lines)).not.toContain('secret')
    }
    await other.stop(0)
  },
)

test.runIf(isRoot)('a user that somebody else on the machine has is refused', async () => {
  const { runtime } = await opened()
  const start = async (user: number) =>
    runtime.start({
      key: `taken-${(count += 1)}.0`,
      source: await sourceOf({ a: '' }),
      program: { kind: 'command', command: 'true' },
      user,
      size: '',
      environment: {},
    })
  const stranger: ChildProcess = spawn('sleep', ['600'], { uid: 44_321, gid: 44_321 })
  await once(stranger, 'spawn')
  await expect(start(44_321)).rejects.toThrow(UserTaken)
  stranger.kill('SIGKILL')
  await once(stranger, 'exit')
  const { runtime: another } = await opened()
  await (
    await start(44_321)
  ).exited
  await expect(
    another.start({
      key: 'another.0',
      source: await sourceOf({ a: '' }),
      program: { kind: 'command', command: 'true' },
      user: 44_321,
      size: '',
      environment: {},
    }),
  ).rejects.toThrow(UserTaken)
  await expect(start(65_534)).rejects.toThrow(UserTaken)
})
