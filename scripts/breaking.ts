import {
  findBreakingChanges,
  findDangerousChanges,
  type BreakingChange,
  type DangerousChange,
  type GraphQLSchema,
} from 'graphql'

/** A change of the schema, and the schema coordinates by any of which a changelog may name it. */
export interface Change {
  readonly what: string
  readonly names: readonly string[]
}

/** What GraphQL says of a change, and where in it which coordinate is. */
const PATTERNS: readonly (readonly [RegExp, (...found: string[]) => readonly string[]])[] = [
  [
    /^A required arg (\w+) on (\w+)\.(\w+) was added\.$/,
    (arg, type, field) => argument(type, field, arg),
  ],
  [
    /^An optional arg (\w+) on (\w+)\.(\w+) was added\.$/,
    (arg, type, field) => argument(type, field, arg),
  ],
  [/^(\w+)\.(\w+) arg (\w+) /, (type, field, arg) => argument(type, field, arg)],
  [
    /^(?:A required|An optional) field (\w+) on input type (\w+) was added\.$/,
    (field, type) => [`${type}.${field}`, type],
  ],
  [
    /^(\w+) was (?:removed from|added to) (?:enum|union) type (\w+)\.$/,
    (member, type) => [`${type}.${member}`, type, member],
  ],
  [/^(\w+) no longer implements interface (\w+)\.$/, (type, face) => [face, type]],
  [/^(\w+) added to interfaces implemented by (\w+)\.$/, (face, type) => [face, type]],
  [
    /^(\w+)\.(\w+) changed type from (\S+) to /,
    (type, field, old) => [`${type}.${field}`, type, old.replaceAll(/\W/g, '')],
  ],
  [/^(\w+)\.(\w+) /, (type, field) => [`${type}.${field}`, type]],
  [/^(\w+) (?:was removed\.|changed from )/, (type) => [type]],
  [/^(.+)$/, (what) => what.match(/\w+/g)?.slice(0, 1) ?? []], // directives
]

const argument = (type: string, field: string, arg: string): readonly string[] => [
  `${type}.${field}(${arg}:)`,
  `${type}.${field}`,
  type,
]

/** To name one of these is to name nothing. */
const ROOTS: ReadonlySet<string> = new Set(['Query', 'Mutation', 'Subscription'])

function changeOf({ description }: BreakingChange | DangerousChange): Change {
  for (const [pattern, namesIn] of PATTERNS) {
    const found = pattern.exec(description)
    if (found !== null)
      return {
        what: description,
        names: namesIn(...found.slice(1)).filter((name) => !ROOTS.has(name)),
      }
  }
  return { what: description, names: [] }
}

/** What breaks clients, and what may: a new value of an enum, a new member of a union, a new default. */
export const changesBetween = (old: GraphQLSchema, now: GraphQLSchema) => ({
  breaking: findBreakingChanges(old, now).map(changeOf),
  dangerous: findDangerousChanges(old, now).map(changeOf),
})

/** Those that the section `Unreleased` of a changelog does not name. */
export function unnamed(changes: readonly Change[], changelog: string): readonly Change[] {
  const [, unreleased = ''] =
    /^## \[?Unreleased\]?.*\n([^]*?)(?=^## |$(?![^]))/m.exec(changelog) ?? []
  const quoted = new Set(unreleased.match(/`[^`\n]+`/g)?.map((one) => one.slice(1, -1)))
  return changes.filter(({ names }) => !names.some((name) => quoted.has(name)))
}
