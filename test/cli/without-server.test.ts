import { mkdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { millrace } from '../../testkit/cli.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'

/** A port that nobody may listen on without being root, so nobody does. */
const NOBODY = { MILLRACE_URL: 'http://127.0.0.1:9' }

// each starts a process, and none needs another
describe.concurrent('without a server', () => {
  let folder: TestFolder

  beforeAll(async () => {
    folder = await testFolder({
      'old.cjs':
        "Object.defineProperty(process, 'versions', { value: Object.assign({}, process.versions, { node: '16.4.0' }) })",
      'text/notes.txt': 'no program',
      'code/main.py': '',
    })
  })
  afterAll(() => folder.remove())

  it('an old Node.js is told which one is needed, in one sentence', async () => {
    const { code, stdout, stderr } = await millrace(['services'], {
      node: ['--require', `${folder.path}/old.cjs`],
    })
    expect(stderr).toBe(
      'Millrace needs Node.js 20.19 or newer and this is 16.4.0: install a newer one from https://nodejs.org and try again.\n',
    )
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })

  it.each([
    ['services'],
    ['deploy', 'CODE'],
    ['invoke', 'x', '--data', '1'],
    ['logs', 'x', '-f'],
    ['stop', 'x'],
    ['job', 'submit', 'x', '--data', '1'],
    ['job', 'watch', 'x'],
    ['token', 'create', 'x', '--role', 'viewer'],
  ])('%s says in one sentence that nobody answers', async (...args) => {
    const given = args.map((arg) => (arg === 'CODE' ? `${folder.path}/code` : arg))
    const { code, stdout, stderr } = await millrace(given, { env: NOBODY })
    expect(stderr).toBe(
      'There is no response from Millrace at http://127.0.0.1:9. Start the server with `npm start`, or set MILLRACE_URL to its address.\n',
    )
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })

  it.each([
    [[]],
    [['nonsense']],
    [['deploy']],
    [['scale', 'x', 'many']],
    [['logs', 'x', '--since', 'yesterday-ish']],
    [['logs', 'x', '--since', '2026-02-31']],
    [['logs', 'x', '--since', '2026-02-28T24:00Z']],
    [['logs', 'x', '--since', '31 Feb 2026']],
    [['job', 'submit', 'x', '--after', '2026-04-31T12:00']],
    [['deploy', 'x', '--image', 'ruby']],
    [['deploy', 'x', '--allow-origin', 'https://app.example.com/']],
    [['job', 'submit', 'x', '--after', '999999w']],
    [['token', 'create', 'x', '--role', 'boss']],
    [['deploy', '.', '--env', 'no value']],
    [['invoke', 'x', '--data', '1', '--file', 'y']],
    [['job', 'submit', 'x', '--label', 'no value']],
    [['job', 'submit', 'x', '--priority', 'high']],
    [['worker', '--', 'true']],
    [['worker', '--service', 'x']],
  ])('%j is not understood: exit code 2', async (args) => {
    const { code, stdout, stderr } = await millrace(args, { env: NOBODY })
    expect(stderr).not.toBe('')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it.each([['--help'], ['--version'], ['deploy', '--help']])('%s is an answer', async (...args) => {
    expect(await millrace(args)).toMatchObject({ code: 0, stderr: '' })
  })

  it('a URL that is none is said to be none', async () => {
    const { code, stderr } = await millrace(['services', '--url', 'localhost:4000'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: '"localhost:4000" is not a URL. Example: http://127.0.0.1:4000\n',
    })
  })

  it('a folder that is missing, a file, empty or without a program is refused in one sentence', async () => {
    await folder.write({ 'nothing/node_modules/left-out/index.js': '' })
    await mkdir(`${folder.path}/empty/really`, { recursive: true })
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await millrace(['deploy', ...args], { env: NOBODY })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      return stderr.replaceAll(folder.path, '')
    }
    expect(await refused(`${folder.path}/nowhere`)).toBe(
      'The folder /nowhere does not exist. Enter the folder that contains your code.\n',
    )
    expect(await refused(`${folder.path}/old.cjs`)).toBe(
      '/old.cjs is a file. Enter the folder that contains your code.\n',
    )
    expect(await refused(`${folder.path}/empty`)).toBe(
      '/empty is empty. Enter the folder that contains your code.\n',
    )
    expect(await refused(`${folder.path}/nothing`)).toBe(
      'Left out, as installed packages: 1 folder (node_modules).\n/nothing contains no files to upload. Enter the folder that contains your code.\n',
    )
    expect(await refused(`${folder.path}/text`)).toBe(
      '/text contains none of main.py, main.js, main.mjs, main.cjs. Use --handler module:function or --command "…".\n',
    )
    expect(await refused(`${folder.path}/text`, '--handler', 'app:run')).toBe(
      '/text contains none of app.py, app.js, app.mjs, app.cjs, which --handler app:run requires. Use --image python or --image node.\n',
    )
  })
})
