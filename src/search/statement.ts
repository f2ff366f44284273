import { splitAddress, wordFor } from '../addresses/index.ts'
import { isAllowed, type Viewer } from '../auth/viewer.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Searchable } from '../kinds/index.ts'
import { frontNames } from '../rest/fronts.ts'

/** Of each kind and organization the newest so many are looked through, unless a kind says otherwise; an id or an address finds older ones too. */
const LOOKED_AT = 10_000

/** What was found, and how well it fits: 0 is what was asked for, 1 begins with it, 2 contains it. */
export interface Hit {
  readonly noun: string
  readonly id: string
  readonly serial: bigint
  readonly rank: number
}

/** What is looked for, by whom and where. */
export interface Question {
  /** Not empty; one character is looked for as a whole name only. */
  readonly text: string
  readonly viewer: Viewer
  /** Only in this organization. */
  readonly organizationId: string | undefined
}

/** Selects all hits of these kinds: noun, id, serial, rank. Undefined when the viewer may find none of them. */
export function hitsOf(
  kinds: Iterable<Searchable<never>>,
  question: Question,
): Prisma.Sql | undefined {
  const parts = [...kinds].flatMap((kind) => hitsOfKind(kind, question) ?? [])
  return parts.length === 0 ? undefined : Prisma.join(parts, ' UNION ALL ')
}

function hitsOfKind(
  kind: Searchable<never>,
  { text, viewer, organizationId }: Question,
): Prisma.Sql | undefined {
  const only = kind.only?.(viewer)
  const organizations = viewer.memberships
    .filter((one) => isAllowed(viewer, kind.role, one.organizationId))
    .concat(only === undefined ? [] : [{ ...only, role: kind.role }])
    .map((one) => one.organizationId)
    .filter((id) => organizationId === undefined || id === organizationId)
  if (organizations.length === 0) return undefined

  const { from, organization, newest } = kind
  const where =
    only === undefined
      ? kind.where
      : Prisma.sql`${kind.where} AND (o.id = ${only.id}::uuid OR ${organization} <> ${only.organizationId}::uuid)`
  const columns = kind.names.map((name, n) => Prisma.sql`${name} AS ${column(n)}`)
  const like = (pattern: string): Prisma.Sql =>
    Prisma.join(
      kind.names.map((_name, n) => Prisma.sql`lower(o.${column(n)}) LIKE lower(${pattern}::text)`),
      ' OR ',
    )
  const whole = escaped(text)
  const isShort = text.length < 2
  return Prisma.sql`
    SELECT ${kind.kind.noun}::text AS noun, id, serial, min(rank) AS rank FROM (
      SELECT o.id, o.serial, CASE WHEN ${like(whole)} THEN 0 WHEN ${like(`${whole}%`)} THEN 1 ELSE 2 END AS rank
      FROM unnest(${organizations}::uuid[]) AS own(id) CROSS JOIN LATERAL (
        SELECT o.id, o.serial, ${Prisma.join(columns)} FROM ${newest?.(Prisma.sql`own.id`) ?? from}
        WHERE ${organization} = own.id AND ${where} ORDER BY o.serial DESC LIMIT ${LOOKED_AT}::int) AS o
      WHERE ${like(isShort ? whole : `%${whole}%`)}
      UNION ALL
      SELECT o.id, o.serial, 0 AS rank FROM ${from}
      WHERE ${organization} = ANY(${organizations}::uuid[]) AND ${where} AND ${isMeant(kind, text, organizations)}
    ) AS found GROUP BY id, serial`
}

const column = (n: number): Prisma.Sql => Prisma.raw(`name${n}`)
const escaped = (text: string): string => text.replaceAll(/[\\%_]/g, (one) => `\\${one}`)

/** The condition by which an id, or an address with or without its front, means a row. */
function isMeant(
  { kind, naming }: Searchable<never>,
  text: string,
  organizations: readonly string[],
): Prisma.Sql {
  const id = kind.read(text.toLowerCase())
  const ids: string[] = id === undefined ? [] : [id]
  if (naming === undefined) return Prisma.sql`o.id = ANY(${ids}::uuid[])`
  const address = splitAddress(text)
  const asked = address === undefined ? frontNames : [address.front]
  const spelled = address?.text ?? text
  const serials: bigint[] = []
  for (const front of asked) {
    const spelling = wordFor(front, naming)?.spelling
    const key = spelling?.read(spelled) ?? spelling?.read(spelled.toLowerCase())
    if (typeof key === 'bigint') serials.push(key)
    else if (key !== undefined) ids.push(key)
  }
  return Prisma.sql`(o.id = ANY(${ids}::uuid[]) OR o.serial = ANY(${serials}::bigint[]) OR o.id IN (
    SELECT a."objectId" FROM "Address" AS a
    WHERE a."organizationId" = ANY(${[...organizations]}::uuid[]) AND a.front = ANY(${[...asked]}::text[])
      AND a.noun = ${kind.noun} AND a.text = ${spelled}))`
}
