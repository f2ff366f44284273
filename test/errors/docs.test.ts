import { readdirSync, readFileSync } from 'node:fs'
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLNamedType,
} from 'graphql'
import { CloseCode } from 'graphql-ws'
import { expect, test } from 'vitest'
import { statuses } from '../../src/kit/http/statuses.ts'
import { schema } from '../../src/schema.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const page = read('docs/errors.md')

/** The cells of the rows of a section's tables. */
function rows(title: string): string[][] {
  const [, section = ''] =
    new RegExp(`^## ${title}\\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(page) ?? []
  return section
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-|]+$/.test(line))
    .slice(1)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

const quoted = (cell = ''): string[] => cell.match(/`\w+`/g)?.map((one) => one.slice(1, -1)) ?? []

test('every error type is told, with its fields', () => {
  const face = schema.getType('UserError')
  const types = isInterfaceType(face) ? schema.getPossibleTypes(face) : []
  const told = rows('Error types').map(([type, , , , fields]) => [
    ...quoted(type),
    ...quoted(fields).toSorted(),
  ])
  const made = types.map((type) => [
    type.name,
    ...Object.keys(type.getFields())
      .filter((name) => name !== 'message' && name !== 'code')
      .toSorted(),
  ])
  expect(new Set(told.map(String))).toEqual(new Set(made.map(String)))
})

test('every code is told, with its status', () => {
  const told = rows('Codes').map(([code, status]) => [quoted(code)[0], Number(status)])
  expect(Object.fromEntries(told)).toEqual(statuses)
  const type = schema.getType('ErrorCode')
  const codes = isEnumType(type) ? type.getValues().map(({ name }) => name) : []
  expect(told.map(([code]) => code)).toEqual(expect.arrayContaining(codes))
  expect(told).toHaveLength(codes.length)
})

/** The sources of the server's doors, without what speaks other protocols. */
function sources(folder: string): string[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(`${folder}${entry.name}/`) : [read(`${folder}${entry.name}`)],
  )
}

test('every status that GraphQL’s door gives, and every code with which a socket is closed, is told', () => {
  const text = [
    ...sources('src/http/graphql/'),
    ...sources('src/execution/'),
    read('src/http/accept.ts'),
    read('src/http/sent.ts'),
    read('src/http/request.ts'),
  ].join('\n')
  const given = [...text.matchAll(/\bstatus(?:: | = |\()(\d{3})\b|\.code\((\d{3})\)/g)].map(
    ([, one, other]) => one ?? other ?? '',
  )
  expect(given).toEqual(expect.arrayContaining(['400', '405', '406', '414', '415', '429', '503']))
  for (const status of new Set(given))
    expect([status, page.includes(status)]).toEqual([status, true])
  const told = rows('WebSocket').map(([code]) => Number(code))
  const ours = [...text.matchAll(/\.close\((\d{4})\b|TOO_MANY = (\d{4})/g)].map(([, one, other]) =>
    Number(one ?? other),
  )
  expect(ours).toEqual(expect.arrayContaining([1001, 1013, 4403, 4429]))
  // what a client closes with, or waits for, is none of the server's
  const clients = new Set([
    CloseCode.InternalClientError,
    CloseCode.BadResponse,
    CloseCode.ConnectionAcknowledgementTimeout,
  ])
  const theirs = Object.values(CloseCode).filter(
    (code): code is CloseCode => typeof code === 'number' && !clients.has(code),
  )
  expect(told).toEqual(expect.arrayContaining([...new Set([...ours, ...theirs])]))
})

/** Everything of a type that can be deprecated, with the reason. */
function* deprecated(type: GraphQLNamedType): Generator<[string, string]> {
  const members = isEnumType(type)
    ? type.getValues()
    : isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
      ? Object.values(type.getFields())
      : []
  for (const member of members) {
    if (member.deprecationReason != null)
      yield [`${type.name}.${member.name}`, member.deprecationReason]
    for (const arg of 'args' in member ? member.args : [])
      if (arg.deprecationReason != null)
        yield [`${type.name}.${member.name}(${arg.name}:)`, arg.deprecationReason]
  }
}

test('whatever is deprecated says what to use, and until when it is there', () => {
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    for (const [name, reason] of deprecated(type)) {
      expect([name, reason]).toEqual([
        name,
        expect.stringMatching(/^\S.*\. Removed after \d{4}-\d{2}-\d{2}\.$/),
      ])
      expect(Date.parse(/\d{4}-\d{2}-\d{2}/.exec(reason)?.[0] ?? '')).not.toBeNaN()
    }
  }
})
