import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readFolder } from '../../src/cli/folder.ts'
import { linesOf } from '../../src/cli/left-out.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'

/* What of a folder is not sent, and what is said of it. */

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0)) await one()
})

async function folderOf(files: Record<string, string>): Promise<TestFolder> {
  const folder = await testFolder(files)
  undo.push(() => folder.remove())
  return folder
}

/** Files of these names, and what is in those that say something. */
const named = (names: readonly string[], more: Record<string, string> = {}) =>
  folderOf({ ...Object.fromEntries(names.map((name) => [name, ''])), ...more })

const sentOf = async ({ path }: TestFolder): Promise<string[]> =>
  (await readFolder(path)).entries.map((entry) => entry.path)
const toldOf = async ({ path }: TestFolder): Promise<string[]> => linesOf(await readFolder(path))

const NAMES = [
  'main.py',
  'data/big.bin',
  'data/small.csv',
  'data/keep/it.bin',
  'src/data/big.bin',
  'src/build/out.js',
  'build/out.js',
  'logs/a.log',
  'logs/b.log',
  'a.log',
  '#odd',
  '!odd',
  'a*b',
  'axb',
  'a b',
  'trail ',
  'trail',
  'é.txt',
  'e.txt',
  'Case.TXT',
  'x[1].txt',
  'x1.txt',
  'deep/er/than/this/x.tmp',
]

/** Files of git, and what git itself makes of them. */
const CASES: readonly Record<string, string>[] = [
  { '': 'data\n' },
  { '': '/data\n' },
  { '': 'build/\n*.log\n!logs/b.log\n' },
  { '': 'logs/\n!logs/b.log\n' },
  { '': 'data/*\n!data/keep/\n' },
  { '': '*\n!*/\n!*.py\n' },
  { '': '# comment\n\\#odd\n\\!odd\n' },
  { '': 'a\\*b\n' },
  { '': 'a*b\n' },
  { '': 'trail\\ \n' },
  { '': 'trail   \n' },
  { '': '?.txt\n' },
  { '': '*.txt\n' },
  { '': 'x[0-9].txt\n' },
  { '': 'x\\[1\\].txt\n' },
  { '': '**/than/**\n' },
  { '': 'deep/**/x.tmp\n' },
  { '': '/*\n!/src\n/src/*\n!/src/data\n' },
  { '': '\ufeffdata\r\n*.log\r\n' },
  { '': '*.log', logs: '!*.log\n' },
  { '': 'than/', 'deep/er': '!than/\n' },
  { '': '', deep: 'er/than/\n', 'deep/er': '!than\n' },
  { data: '*\n' },
  { '': '[\n\\\n\n   \n!\n/\n' },
  { '': '[[:upper:]]*\n' },
]

const GIT = (() => {
  try {
    execFileSync('git', ['--version'])
    return true
  } catch {
    return false
  }
})()

describe.each(['.gitignore', '.millraceignore'])('what %s says', (name) => {
  it.runIf(GIT).each(CASES)('%j is read as git reads it', async (files) => {
    const says = Object.entries(files).map(([folder, text]) => [join(folder, name), text])
    const folder = await named(NAMES, Object.fromEntries(says) as Record<string, string>)
    execFileSync('git', ['init', '-q', folder.path])
    const listed = execFileSync(
      'git',
      ['-C', folder.path, 'ls-files', '-z', '--others', `--exclude-per-directory=${name}`],
      { encoding: 'utf8' },
    )
    const files_ = (await readFolder(folder.path)).entries.filter(({ kind }) => kind === 'file')
    expect(files_.map(({ path }) => path)).toEqual(
      listed
        .split('\0')
        .filter(Boolean)
        .toSorted((one, other) => (one < other ? -1 : 1)),
    )
  })
})

it('a .millraceignore takes the place of the .gitignore beside it, and of all below it', async () => {
  const folder = await named(['main.py', 'a.log', 'model/weights.bin', 'model/notes.txt'], {
    '.gitignore': '*.log\n',
    'model/.gitignore': '*.bin\n',
  })
  expect(await sentOf(folder)).toEqual([
    '.gitignore',
    'main.py',
    'model/.gitignore',
    'model/notes.txt',
  ])
  await folder.write({ 'model/.millraceignore': '*.txt\n' })
  expect(await sentOf(folder)).toEqual([
    '.gitignore',
    'main.py',
    'model/.gitignore',
    'model/.millraceignore',
    'model/weights.bin',
  ])
  await folder.write({ '.millraceignore': '.gitignore\n.millraceignore\n' })
  expect(await sentOf(folder)).toEqual(['a.log', 'main.py', 'model/weights.bin'])
})

const ENVIRONMENT = { 'pyvenv.cfg': 'home = /usr/bin\n', 'lib/site.py': '' }

const within = (folder: string, files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]))

it('what tools leave beside the code stays out, and a line for each kind says so', async () => {
  const folder = await folderOf({
    'main.py': '',
    'a.log': '',
    'b.log': '',
    'c.log': '',
    'd.log': '',
    'big/model.bin': '',
    '.gitignore': '*.log\n/big/\n',
    '.git/HEAD': '',
    'vendored/.git': 'gitdir: ../.git/modules/vendored\n',
    'node_modules/a/index.js': '',
    'web/node_modules/b/index.js': '',
    '.venv/lib/site.py': '',
    ...within('env', ENVIRONMENT),
    ...within('tools/python', ENVIRONMENT),
    'lib/__pycache__/a.cpython-312.pyc': '',
    'lib/a.pyc': '',
    'lib/a.py': '',
    '.DS_Store': '',
  })
  await symlink('/usr/bin/python3', join(folder.path, 'env', 'python'))
  await symlink('../env/python', join(folder.path, 'lib', 'python'))
  await symlink('a.py', join(folder.path, 'lib', 'b.py'))
  expect(await sentOf(folder)).toEqual([
    '.gitignore',
    'lib/a.py',
    'lib/b.py',
    'lib/python',
    'main.py',
    'tools',
    'vendored',
    'web',
  ])
  expect(await toldOf(folder)).toEqual([
    'Left out, as .gitignore says: 1 folder and 4 files (a.log, b.log, big and 2 more).',
    'Left out, as compiled Python: 1 folder and 1 file (lib/__pycache__, lib/a.pyc).',
    'Left out, as virtual environments: 3 folders (.venv, env, tools/python).',
    'Left out, as the history of git: 1 folder and 1 file (.git, vendored/.git).',
    'Left out, as files that macOS adds automatically: 1 file (.DS_Store).',
    'Left out, as installed packages: 2 folders (node_modules, web/node_modules).',
    'Links to files that are left out: lib/python.',
  ])
})

it('all but .git can be taken back', async () => {
  const folder = await folderOf({
    'main.mjs': '',
    '.millraceignore': '!node_modules/\n!env/\n!*.pyc\n!.git\n',
    '.git/HEAD': '',
    'node_modules/a/index.js': '',
    ...within('env', ENVIRONMENT),
    'lib/a.pyc': '',
  })
  expect(await sentOf(folder)).toEqual([
    '.millraceignore',
    'env/lib/site.py',
    'env/pyvenv.cfg',
    'lib/a.pyc',
    'main.mjs',
    'node_modules/a/index.js',
  ])
  expect(await toldOf(folder)).toEqual(['Left out, as the history of git: 1 folder (.git).'])
})

it('what is left out is not looked at: neither links out of the folder nor names that are not UTF-8', async () => {
  const folder = await named(['main.py'], { '.gitignore': 'cache/\n' })
  await mkdir(join(folder.path, 'cache'))
  await symlink('/etc/hostname', join(folder.path, 'cache', 'link'))
  await writeFile(
    Buffer.concat([Buffer.from(`${folder.path}/cache/`), Buffer.from('caf\u00e9', 'latin1')]),
    '',
  )
  expect(await sentOf(folder)).toEqual(['.gitignore', 'main.py'])
})

it('a name that is not UTF-8 is refused in a sentence, and so is a link to one', async () => {
  const folder = await named(['main.py'])
  const name = Buffer.from('caf\u00e9', 'latin1')
  const file = Buffer.concat([Buffer.from(`${folder.path}/`), name])
  await symlink(name, join(folder.path, 'link'))
  await expect(readFolder(folder.path)).rejects.toThrow(
    `${folder.path}/link is a link to caf\ufffd, a name that is not valid UTF-8. Rename the target.`,
  )
  await folder.write({ '.gitignore': 'link\n' })
  await writeFile(file, '')
  await expect(readFolder(folder.path)).rejects.toThrow(
    `${folder.path}/caf\ufffd has a name that is not valid UTF-8. Rename it.`,
  )
})
