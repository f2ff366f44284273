import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { millrace, millraceAt } from '../../testkit/cli.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { TestServer } from '../../testkit/server.ts'

const source = `
export async function handler(request) {
  if (request.method === 'GET') return new Response('got', { status: 418 })
  console.log('called')
  const type = request.headers.get('content-type') ?? ''
  return new Response(request.body, { headers: { 'content-type': type } })
}`

let database: TestDatabase
let server: TestServer
let folder: TestFolder
let token: string
let run: ReturnType<typeof millraceAt>

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer(database, { AUTH: 'open' })
  await server.start()
  run = millraceAt(server.url)
  token = (await readFile(`${database.dataDir}/admin-token`, 'utf8')).trim()
  folder = await testFolder({ 'main.mjs': source, 'picture.png': 'bytes', 'notes.txt': 'text' })
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
  await folder.remove()
})

const refused = async (...args: string[]): Promise<string> => {
  const env = { MILLRACE_URL: server.url }
  const { code, stdout, stderr } = await millrace(args, { env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  return stderr
}

it('an unknown service is answered with those there are', async () => {
  expect(await refused('stop', 'nobody')).toBe(
    'There is no service "nobody". There are no services yet: create one with `npx millrace deploy`.\n',
  )
  await run('deploy', folder.path, '--name', 'echo')
  expect(await refused('logs', 'nobody')).toBe('There is no service "nobody". There is echo.\n')
})

it('a service is scaled, stopped, started, restarted and listed', async () => {
  expect(await run('scale', 'echo', '2')).toMatch(/^echo is READY: 2\/2 instances ready/)
  expect(await run('stop', 'echo')).toMatch(/^echo is STOPPED: 0\/2 instances ready/)
  expect(await refused('restart', 'echo')).toMatch(/STOPPED/)
  expect(await run('start', 'echo')).toMatch(/^echo is READY/)
  expect(await run('restart', 'echo')).toMatch(/^echo is READY/)
  expect(await run('services')).toMatch(/^SERVICE +STATUS +READY +VERSION +URL\necho +READY +2\/2 /)
  const [service] = JSON.parse(await run('services', '--json')) as unknown[] // what is expected below
  expect(service).toMatchObject({ handle: 'echo', status: 'READY', scale: { desired: 2 } })
  expect(await refused('rollback', 'echo')).toMatch(/, and there is no earlier version\.\n$/)
  expect(await refused('rollback', 'echo', '--to', '9')).toBe(
    'Deployment echo has no version "9".\n',
  )
})

it.each([
  [['--data', '{"a":1}'], 'application/json', '{"a":1}'],
  [['--data', 'words'], 'text/plain', 'words'],
  [['--file', 'picture.png'], 'image/png', 'bytes'],
  [['--file', 'notes.txt'], 'text/plain', 'text'],
  [['--file', 'notes.txt', '--content-type', 'a/b'], 'a/b', 'text'],
])('invoke %j sends %s', async ([kind = '', what = '', ...rest], contentType, body) => {
  const given = kind === '--file' ? `${folder.path}/${what}` : what
  const told = await run('invoke', 'echo', kind, given, ...rest, '--json')
  const expected = contentType === 'application/json' ? JSON.parse(body) : body
  expect(JSON.parse(told)).toEqual({ status: 200, contentType, body: expected })
})

it('invoke sends what stdin gives, and writes the answer where it is told to', async () => {
  const output = `${folder.path}/answer`
  const input = Buffer.alloc(300_000, 'x')
  const env = { MILLRACE_URL: server.url }
  const ended = await millrace(['invoke', 'echo', '--output', output], { env, input })
  expect(ended).toMatchObject({ code: 0, stdout: '' })
  expect((await readFile(output)).equals(input)).toBe(true)
})

it('invoke says in one sentence that the file for the answer cannot be written', async () => {
  const output = `${folder.path}/nowhere/answer`
  expect(await refused('invoke', 'echo', '--data', '1', '--output', output)).toBe(
    `${output} cannot be written: its folder does not exist.\n`,
  )
})

it('an answer that is no success goes to stderr, with exit code 1', async () => {
  expect(await refused('invoke', 'echo')).toBe('echo returned status 418.\ngot\n')
  expect(await refused('invoke', 'echo', '--file', '/nowhere')).toBe(
    'The file /nowhere does not exist.\n',
  )
})

it('all that is wrong with an input is said, one a line', async () => {
  expect(await refused('token', 'create', '', '--role', 'viewer')).toBe(
    'name: This must not be blank.\n',
  )
  expect(await refused('scale', 'echo', '301')).toBe('scale.desired: At most 300.\n')
})

it('a token is made, does what its role may, and is revoked', async () => {
  const made = JSON.parse(
    await run('token', 'create', 'ci', '--role', 'viewer', '--expires-in', '30d', '--json'),
  ) as { id: string; secret: string } // what is expected below
  expect(made).toMatchObject({ name: 'ci', role: 'VIEWER', secret: expect.any(String) })
  const env = { MILLRACE_URL: server.url, MILLRACE_TOKEN: made.secret }
  expect(await millrace(['services'], { env })).toMatchObject({ code: 0 })
  expect(await millrace(['stop', 'echo'], { env })).toMatchObject({
    code: 1,
    stderr: 'This needs the role DEVELOPER.\n',
  })
  expect(await run('token', 'revoke', made.id, '--token', token)).toBe('Token ci was revoked.\n')
})

it('a token for a front comes with the variables its clients read', async () => {
  const text = await run('token', 'create', '--front', 'abeja')
  const [, host = ''] = server.url.split('//')
  expect(text).toMatch(
    new RegExp(
      `^export ABEJA_API_URL='http://x@${host}/abeja'\nexport ABEJA_ORGANIZATION_ID='[1-9]\\d{12}'\nexport PLATFORM_AUTH_TOKEN='\\S+'\n$`,
    ),
  )
  // whatever names an organization in what was printed is taken as one
  const [, id = ''] = /ORGANIZATION_ID='(\d+)'/.exec(text) ?? []
  for (const organization of [id, `abeja:${id}`, 'default'])
    expect(
      await run('token', 'create', '--front', 'abeja', '--organization', organization),
    ).toContain(`export ABEJA_ORGANIZATION_ID='${id}'\n`)
  expect(
    await refused('token', 'create', '--front', 'abeja', '--organization', '9999999999999'),
  ).toContain('is not one of your organizations')
  const [, url = ''] = /^export TOPCHEF_URL='(.+)'$/m.exec(
    await run('token', 'create', '--front', 'topchef'),
  ) ?? ['', '']
  const { username, password, host: at, pathname } = new URL(url)
  expect([username, at, pathname]).toEqual(['default', host, '/topchef'])
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  expect((await fetch(`${server.url}/topchef/jobs`, { headers: { authorization } })).status).toBe(
    200,
  )
  expect(await refused('token', 'create', '--role', 'viewer')).toMatch(/name and a --role/)
  expect(await refused('token', 'create', 'x')).toMatch(/name and a --role/)
  const env = { MILLRACE_URL: server.url }
  expect(await millrace(['token', 'create', '--front', 'nobody'], { env })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Enter one of abeja, topchef.'),
  })
})

it('what is in doubt between organizations is asked for', async () => {
  const made: unknown = JSON.parse(await run('organization', 'create', 'Acme', '--json'))
  expect(made).toMatchObject({ handle: 'acme', name: 'Acme' })
  expect(await refused('token', 'create', 'x', '--role', 'viewer')).toMatch(/^--organization: /)
  await run('token', 'create', 'x', '--role', 'viewer', '--organization', 'acme')
  await run('deploy', folder.path, '--name', 'elsewhere', '--organization', 'acme')
})

it('--organization, or MILLRACE_ORGANIZATION, says in which one every command acts', async () => {
  await run('deploy', folder.path, '--name', 'echo', '--organization', 'acme')
  expect(await refused('stop', 'echo', '--organization', 'nosuch')).toBe(
    'The organization "nosuch" (--organization, MILLRACE_ORGANIZATION) is not one of your organizations. Use the handle of one of them.\n',
  )
  expect(await refused('stop', 'echo')).toMatch(
    /^"echo" is a service in several .*--organization.*\(acme\)/,
  )
  expect(await refused('logs', 'echo')).toMatch(/svc_\w+ \(default\), svc_\w+ \(acme\)/)
  expect(await run('services', '--organization', 'default')).not.toMatch(/ORGANIZATION|elsewhere/)
  expect(await run('services')).toMatch(/^ORGANIZATION +SERVICE [^]*\nacme +elsewhere /)
  expect(await run('invoke', 'echo', '--data', 'hi', '--organization', 'acme')).toBe('hi')
  const env = { MILLRACE_URL: server.url, MILLRACE_TOKEN: token, MILLRACE_ORGANIZATION: 'acme' }
  const told = await millrace(['token', 'create', '--front', 'topchef'], { env })
  expect(told.stdout).toMatch(/^export TOPCHEF_URL='http:\/\/acme:/)
  expect(await millrace(['organization', 'create', 'Gamma'], { env })).toMatchObject({ code: 0 })
  expect(await millrace(['delete', 'echo'], { env })).toMatchObject({
    stdout: 'echo was deleted.\n',
  })
})

it('a base URL may bring the organization and the token, unless they are given otherwise', async () => {
  const [, host = ''] = server.url.split('//')
  const listed = async (user: string, more: Record<string, string> = {}) =>
    millrace(['services'], { env: { MILLRACE_URL: `http://${user}@${host}/`, ...more } })
  expect((await listed(`acme:${token}`)).stdout).toContain('elsewhere')
  expect((await listed(`default:${token}`)).stdout).not.toContain('elsewhere')
  expect(await listed(`nosuch:${token}`)).toMatchObject({ code: 1, stdout: '' })
  const more = { MILLRACE_ORGANIZATION: 'acme', MILLRACE_TOKEN: token }
  expect((await listed('default:wrong', more)).stdout).toContain('elsewhere')
})

it('a worker is told which role a command needs', async () => {
  const made = await run('token', 'create', 'w', '--role', 'worker', '--organization', 'default')
  const as = async (...args: string[]) =>
    (await millrace(args, { env: { MILLRACE_URL: server.url, MILLRACE_TOKEN: made.trim() } }))
      .stderr
  expect(await as('services')).toBe('This needs the role VIEWER; your token has WORKER.\n')
  expect(await as('logs', 'echo')).toBe('This needs the role VIEWER; your token has WORKER.\n')
  const needsMore = 'This needs the role DEVELOPER; your token has WORKER.\n'
  expect(await as('stop', 'echo')).toBe(needsMore)
  expect(await as('job', 'submit', 'echo', '--data', '1')).toBe(needsMore)
})

it('a deleted service is gone', async () => {
  expect(await run('delete', 'echo')).toBe('echo was deleted.\n')
  expect(await refused('logs', 'echo')).toBe('There is no service "echo". There is elsewhere.\n')
})
