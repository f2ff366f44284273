import type { Front } from '../protocol.ts'
import type { Route } from '../route.ts'
import type { Schema } from './about.ts'
import { documented } from './write.ts'

/** The page runs nothing and loads nothing: one document with its style in it. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 62%, transparent) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
p { margin: .5rem 0 } .soft { color: var(--soft) }
code, pre { font: 13px/1.5 ui-monospace, monospace }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0 }
summary { cursor: pointer; padding: .5rem .75rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap }
summary::-webkit-details-marker { display: none }
summary b { font: 600 12px/1 ui-monospace, monospace; min-width: 3.6rem }
summary code { overflow-wrap: anywhere } summary span { margin-left: auto }
.body { padding: .25rem .75rem .75rem; border-top: 1px solid var(--line) }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 .8rem }
th { text-align: left; font-weight: 600; padding-top: .5rem } td { padding: .15rem .75rem .15rem 0; vertical-align: top }
td:first-child { white-space: nowrap; width: 1% }
`

/** The docs page of a front, written from the same routes as its API document. */
export function docsPage({ api, routes }: Front, base: string): string {
  const tags = [...new Set(routes.map(({ about }) => about.tag))]
  const sections = tags.map((tag) => {
    const own = routes.filter(({ about }) => about.tag === tag)
    return `<h2>${escaped(tag)}</h2>${own.map((route) => operation(route, api.schemas)).join('')}`
  })
  const about = `<p>${escaped(api.description)}</p><p class="soft">Base URL <code>${escaped(base)}</code> · <a href="${escaped(base + api.path)}">API document</a></p>`
  return page(api.title, about + sections.join(''))
}

/** A page of ours; the content is HTML, the title text. */
export const page = (title: string, content: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style><h1>${escaped(title)}</h1>${content}</html>`

function operation({ method, path, about }: Route, schemas: Schemas): string {
  const { query = {}, body, answer, failures, status = 200 } = about
  const rows = [
    table(
      'Query',
      Object.entries(query).map(([name, schema]) => [name, inWords(schema)]),
    ),
    body === undefined ? '' : content('Body', body, schemas),
    content(`Answer ${status}`, answer, schemas),
    table('Failures', Object.entries(failures)),
  ]
  return `<details id="${escaped(about.id)}"><summary><b>${method}</b><code>${escaped(documented(path))}</code><span class="soft">${escaped(about.summary)}</span></summary><div class="body">${rows.join('')}</div></details>`
}

type Schemas = Readonly<Record<string, Schema>>

function content(title: string, schema: Schema | 'bytes', schemas: Schemas): string {
  if (schema === 'bytes') return table(title, [['bytes', 'as they are, of any content type']])
  const found = resolved(schema, schemas)
  const { properties, required = [] } = found
  if (properties === undefined) return table(title, [[typeOf(found), found.description ?? '']])
  return table(
    title,
    Object.entries(properties).map(([name, one]) => [
      required.includes(name) ? name : `${name}?`,
      inWords(one),
    ]),
  )
}

function resolved(schema: Schema, schemas: Schemas): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (schemas[name] ?? schema)
}

const inWords = (schema: Schema): string =>
  [typeOf(schema), schema.description].filter((part) => part).join(': ')

function typeOf({ type, items, $ref }: Schema): string {
  if ($ref !== undefined) return $ref.split('/').at(-1) ?? ''
  const own = [type ?? 'any'].flat().join(' or ')
  return items === undefined ? own : `${own} of ${typeOf(items)}`
}

const table = (title: string, rows: readonly (readonly [string, string])[]): string =>
  rows.length === 0
    ? ''
    : `<table><tr><th colspan="2">${escaped(title)}</th></tr>${rows
        .map(
          ([name, said]) =>
            `<tr><td><code>${escaped(name)}</code></td><td>${escaped(said)}</td></tr>`,
        )
        .join('')}</table>`

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
