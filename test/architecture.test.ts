import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/*
 * Who may import whom (docs/contributing/style.md), as a table. A folder of src (or a file at its top) names all it may
 * import besides itself. A circle between folders cannot be written down here without breaking the last test.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')
/** Concepts: folders with a part of the API. */
const withSchema = readdirSync(src).filter((part) => existsSync(join(src, part, 'schema.ts')))
const core = ['kit', 'generated', 'fronts']
const ground = [...core, 'auth', 'context', 'builder', 'graph', 'streams', 'addresses', 'kinds']

const mayImport: Record<string, readonly string[]> = {
  kit: [],
  fronts: ['kit'], // what is known everywhere of the REST fronts: see `partOf`
  config: ['kit', 'fronts'],
  ports: ['kit', 'fronts'],
  db: [...core, 'ports'], // what measures and traces statements
  streams: [...core, 'config', 'db', 'ports'],
  auth: [...core, 'db', 'ports'],
  context: [...core, 'config', 'db', 'ports', 'auth', 'streams'],
  builder: ['generated', 'context', 'kit'],
  idempotency: [...core, 'auth', 'context', 'streams'],
  graph: [...core, 'auth', 'builder', 'context', 'idempotency', 'streams'],
  addresses: [...core, 'auth', 'builder', 'context'],
  kinds: [...core, 'auth', 'context', 'graph', 'streams', 'addresses'],
  // concepts: the ground, and other concepts only as far as they come before
  organizations: [...ground, 'db'],
  projects: [...ground, 'organizations'],
  tokens: [...ground, 'organizations', 'projects'],
  events: [...ground, 'organizations'],
  logs: [...ground, 'events'],
  uploads: [...ground, 'ports', 'organizations'],
  deployments: [...ground, 'db', 'ports', 'organizations', 'events', 'uploads'],
  services: [...ground, 'db', 'ports', 'organizations', 'events', 'logs', 'deployments'],
  routes: [...ground, 'organizations', 'deployments', 'services'],
  'job-engine': [...ground, 'config', 'db', 'ports'],
  jobs: [
    ...ground,
    'db',
    'ports',
    'organizations',
    'projects',
    'uploads',
    'events',
    'logs',
    'services',
    'job-engine',
  ],
  activities: [...ground, 'organizations', 'events'],
  search: [...ground, 'organizations'],
  server: [...ground, 'ports'],
  traffic: [...ground, 'services'],
  usage: [...ground, 'organizations'],
  doors: [
    ...core,
    'auth',
    'context',
    'ports',
    'deployments',
    'services',
    'routes',
    'logs',
    'streams',
    'traffic',
    'uploads',
    'job-engine', // what is done again and again
  ],
  schema: ['builder', 'graph', ...withSchema],
  rest: [...core, 'config', 'auth', 'context'],
  // executing GraphQL, whichever way a request came
  execution: [
    ...core,
    'config',
    'ports',
    'auth',
    'context',
    'graph',
    'schema',
    'events', // in which parts a delivery goes
  ],
  http: [
    ...core,
    'config',
    'ports',
    'auth',
    'context',
    'graph',
    'schema',
    'execution',
    'doors',
    'organizations', // in which one a caller acts
    'deployments',
    'services',
    'uploads',
    'rest',
  ],
  app: [
    ...core,
    'config',
    'context',
    'auth',
    'db',
    'ports',
    'streams',
    'doors',
    'execution',
    'http',
    'jobs',
    'organizations',
    'services',
    'traffic',
    'job-engine',
  ],
  client: [],
  codegen: [],
  worker: ['kit', 'generated'], // a client like any other
  cli: [...core, 'config', 'client', 'worker', 'app', 'db'],
  main: ['cli'],
  bin: ['main'],
}

/** Folders that others enter by their index.ts alone. */
const concepts = [
  ...withSchema,
  'idempotency',
  'addresses',
  'kinds',
  'events',
  'job-engine',
  'doors',
]

interface Import {
  readonly file: string
  readonly from: string
  readonly to: string
  readonly target: string
}

/** The descriptors of fronts and their list, below `rest`, are a part of their own. */
const FRONTS = /^rest\/(?:(?:built|descriptor|fronts|nouns)|\w+\/(?:front|nouns))\.ts$/

const partOf = (file: string): string =>
  FRONTS.test(file) ? 'fronts' : (file.split('/')[0] ?? '').replace(/\.[jt]s$/, '')

/** What a file imports; both as paths from a folder. */
function importsIn(folder: string, file: string): Import[] {
  const text = readFileSync(join(folder, file), 'utf8')
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)
  return [...found].map(([, path = '']) => {
    const target = relative(folder, resolve(folder, dirname(file), path))
    return { file, from: partOf(file), to: partOf(target), target }
  })
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.m?[jt]s$/.test(file) && !file.startsWith('generated/') && !file.endsWith('.d.ts'),
  )

const files = filesIn(src)
/** A front's descriptor says where its routes are; `rest` loads them. */
const isToLoad = ({ file, from, target }: Import): boolean =>
  from === 'fronts' && target === `${dirname(file)}/index.ts`
const imports = files.flatMap((file) => importsIn(src, file)).filter((one) => !isToLoad(one))
const shown = ({ file, target }: Import): string => `${file} -> ${target}`

test('every part of src is in the table', () => {
  const parts = [...new Set(files.map(partOf))].toSorted()
  expect(parts.filter((part) => !(part in mayImport))).toEqual([])
  expect(imports.length).toBeGreaterThan(200)
})

test('a part imports only what the table allows', () => {
  const strays = imports.filter(({ from, to }) => from !== to && !mayImport[from]?.includes(to))
  expect(strays.map(shown)).toEqual([])
})

test('other concepts are reached through their front door', () => {
  const strays = imports.filter(
    ({ from, to, target }) =>
      from !== to &&
      concepts.includes(to) &&
      target !== `${to}/index.ts` &&
      !(from === 'schema' && target === `${to}/schema.ts`),
  )
  expect(strays.map(shown)).toEqual([])
})

test('only the composition root names an adapter', () => {
  const strays = imports.filter(
    ({ file, target }) =>
      /^ports\/(bus|metrics|runtime|storage|tracing)\//.test(target) &&
      !file.startsWith('ports/') &&
      file !== 'app.ts' &&
      !/^ports\/(\w+)\/\1\.ts$/.test(target),
  )
  expect(strays.map(shown)).toEqual([])
})

/** The folders beside src, which is the program and knows of none of them. */
const mayReach: Record<string, readonly string[]> = {
  src: [],
  testkit: ['src'],
  bench: ['src', 'testkit'],
}

test.each(Object.entries(mayReach))(
  'of the folders beside it, %s imports only %j',
  (folder, allowed) => {
    const found = filesIn(join(root, folder)).flatMap((file) => importsIn(root, join(folder, file)))
    const strays = found.filter(({ to }) => to !== folder && !allowed.includes(to))
    expect(found.length).toBeGreaterThan(20)
    expect(strays.map(shown)).toEqual([])
  },
)

test('the table has no circle', () => {
  const seen = new Set<string>()
  const visit = (part: string, path: readonly string[]): void => {
    expect(path, [...path, part].join(' -> ')).not.toContain(part)
    if (seen.has(part)) return
    for (const next of mayImport[part] ?? []) visit(next, [...path, part])
    seen.add(part)
  }
  for (const part of Object.keys(mayImport)) visit(part, [])
})

/** The types that a file declares and exports. */
const typesIn = (file: string): string[] => {
  const text = readFileSync(join(src, file), 'utf8')
  const found = text.matchAll(/^export (?:declare |abstract )*(?:interface|type|class) (\w+)/gm)
  return [...new Set([...found].map(([, name = '']) => name))]
}

test('no two modules export a type of the same name', () => {
  const modules = new Map<string, string[]>()
  // programs of JavaScript that run by themselves have their own words
  for (const file of files.filter((one) => one.endsWith('.ts')))
    for (const name of typesIn(file)) modules.set(name, [...(modules.get(name) ?? []), file])
  const shared = [...modules].filter(([, declared]) => declared.length > 1)
  expect(shared.map(([name, declared]) => `${name}: ${declared.join(', ')}`)).toEqual([])
})

test('nor one of the name of a table or an enum of Prisma, but where that is meant', () => {
  const generated = [
    ...readdirSync(join(src, 'generated/prisma/models')).map((file) => file.replace('.ts', '')),
    ...typesIn('generated/prisma/enums.ts'),
  ]
  const shared = files.flatMap((file) =>
    typesIn(file).flatMap((name) => (generated.includes(name) ? [`${file} ${name}`] : [])),
  )
  expect(shared.toSorted()).toEqual([
    // the moves that a job may make, by which the column's enum is checked
    'job-engine/job.ts JobStatus',
    // which speak of their own routes and tokens, and never of ours
    'rest/abeja/tokens.ts Token',
    'rest/route.ts Route',
    // what a stream hands on of a row
    'streams/audit.ts AuditEntry',
    'streams/log-line.ts LogLine',
    // names that users of the package write
    'worker/job.ts Job',
    'worker/worker.ts Worker',
  ])
})
