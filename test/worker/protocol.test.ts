import { readFileSync } from 'node:fs'
import {
  Kind,
  parse,
  print,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type OperationDefinitionNode,
} from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'

/*
 * The worker protocol is said in three places: the operations of the TypeScript worker, those of the Python worker, and
 * the page for whoever writes a third. They say the same, but for what is listed here.
 */
const textOf = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const typescript = [parse(textOf('src/worker/worker.graphql'))]
const python = [
  ...textOf('python/millrace.py').matchAll(/"""((?:query|mutation|subscription) [^"]*)"""/g),
].map(([, text = '']) => parse(text))

interface Difference {
  readonly why: string
  /** The fields that only the TypeScript worker asks for; 'all' where the other has no such operation. */
  readonly typescript?: readonly string[] | 'all'
  /** The same of the Python worker. */
  readonly python?: readonly string[] | 'all'
}

/** What only one of them says. */
const differences: Readonly<Record<string, Difference>> = {
  claimJobs: {
    why: 'A handler in TypeScript is given more of its job; in Python a server that goes away says when to come again.',
    typescript: [
      'Job.createdAt',
      'Job.labels',
      'Job.lane',
      'Job.maxAttempts',
      'Job.priority',
      'Job.service',
      'Job.timeoutSeconds',
      'NameValue.name',
      'NameValue.value',
      'Service.handle',
      'Service.id',
    ],
    python: ['Unavailable.retryAfterSeconds'],
  },
  completeJob: {
    why: 'Neither reads it: a success must be asked for something, in TypeScript for its name.',
    python: ['CompleteJobSuccess.job', 'Job.id'],
  },
  completeJobs: {
    why: 'The worker in Python sends each result on its own.',
    typescript: 'all',
  },
  failJob: {
    why: 'Events of the worker in TypeScript say what became of the job.',
    typescript: ['Job.status'],
    python: ['Job.id'],
  },
  releaseJobs: {
    why: 'Neither reads more of the jobs than how many they are.',
    typescript: ['Job.status'],
    python: ['Job.id'],
  },
  submitJob: {
    why: 'The Python file has `submit` for scripts; in TypeScript any client of GraphQL does it.',
    python: 'all',
  },
  job: {
    why: 'The Python file has `get` for scripts; in TypeScript any client of GraphQL does it.',
    python: 'all',
  },
}

interface Said {
  readonly variables: readonly string[]
  readonly fields: readonly string[]
}

/** What each operation of some documents says, by the field that it is about. */
function said(documents: readonly DocumentNode[]): ReadonlyMap<string, Said> {
  const all = new Map<string, Said>()
  for (const document of documents)
    for (const operation of document.definitions)
      if (operation.kind === Kind.OPERATION_DEFINITION) {
        const [root] = operation.selectionSet.selections
        if (root?.kind !== Kind.FIELD) throw new Error('An operation has one field.')
        const variables = operation.variableDefinitions?.map((one) => print(one)) ?? []
        all.set(root.name.value, { variables, fields: fieldsOf(document, operation) })
      }
  return all
}

/** The fields that an operation asks for, in whatever fragment, each as `Type.field` and once. */
function fieldsOf(document: DocumentNode, operation: OperationDefinitionNode): string[] {
  const fields = new Set<string>()
  const look = (node: DocumentNode['definitions'][number]): void => {
    const types = new TypeInfo(schema)
    visit(
      node,
      visitWithTypeInfo(types, {
        Field({ name: { value } }) {
          if (!value.startsWith('__')) fields.add(`${types.getParentType()?.name}.${value}`)
        },
        FragmentSpread({ name: { value } }) {
          const fragment = document.definitions.find(
            (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === value,
          )
          if (fragment !== undefined) look(fragment)
        },
      }),
    )
  }
  look(operation)
  return [...fields].toSorted()
}

const ours = said(typescript)
const theirs = said(python)
const names = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted()

test('the operations of both workers are valid', () => {
  expect([ours.size, theirs.size]).toEqual([7, 8])
  for (const document of [...typescript, ...python])
    expect(validate(schema, document), print(document)).toEqual([])
})

const besides = (fields: readonly string[], others: readonly string[]): string[] =>
  fields.filter((field) => !others.includes(field))

test.each(names)('both say the same of %s, but for what is listed', (name) => {
  const mine = ours.get(name)
  const other = theirs.get(name)
  const { why, typescript: ofMine = [], python: ofOther = [] } = differences[name] ?? {}
  expect(other === undefined, why).toBe(ofMine === 'all')
  expect(mine === undefined, why).toBe(ofOther === 'all')
  if (mine === undefined || other === undefined) return
  expect(other.variables).toEqual(mine.variables)
  expect(besides(mine.fields, other.fields), why).toEqual(ofMine)
  expect(besides(other.fields, mine.fields), why).toEqual(ofOther)
})

test('nothing is listed that is no operation', () => {
  expect(names).toEqual(expect.arrayContaining(Object.keys(differences)))
})

test('the page about workers names every operation', () => {
  const [, section = ''] = textOf('docs/workers.md').split('\n## The protocol\n')
  const named = [...(section.split('\n## ')[0]?.matchAll(/^\| `(\w+)`/gm) ?? [])].map(
    ([, one]) => one,
  )
  expect(new Set(named)).toEqual(new Set(names))
  expect(named).toHaveLength(names.length)
})
