import type { Client } from '../../../testkit/client.ts'
import type { Tenant } from './tenant.ts'

export interface Route {
  readonly method: string
  readonly url: string
}

/** One line for each method of each route. */
export const doorsOf = (routes: readonly { method: string | string[]; url: string }[]): Route[] =>
  routes.flatMap(({ method, url }) =>
    [method]
      .flat()
      .filter((one) => one !== 'TRACE') // which `fetch` refuses to send
      .map((one) => ({ method: one, url })),
  )

/** Of what type the object is that stands in each variable part of a route. */
const types: Readonly<Record<string, string>> = {
  '/uploads/:id': 'Upload',
  '/archives/:id': 'DeploymentVersion',
  '/logs/:id': 'ProcessService',
  ':organization': 'Organization',
  ':endpoint': 'Route',
  ':deployment': 'Deployment',
  ':version': 'DeploymentVersion',
  ':service': 'ProcessService',
  ':route': 'Route',
  ':sid': 'QueueService',
  ':jid': 'Job',
}

const parts = /^\/(uploads|archives|logs)\/:id|:(?!file$)\w+(?:\([^)]*\))?/g

/** The types of the objects that a route names, in the order in which it does. */
export function typesIn({ url }: Route): string[] {
  return [...url.matchAll(parts)].map(([part]) => {
    const type = types[part.replace(/\(.*/, '')]
    if (type === undefined) throw new Error(`Say what ${part} of ${url} names.`)
    return type
  })
}

/** The path of a route with these names in it. */
export function pathTo({ url }: Route, names: readonly string[]): string {
  let place = 0
  return url
    .replaceAll(parts, (part) =>
      part.replace(/:\w+(\(.*)?/, () => encodeURIComponent(names[place++] ?? '')),
    )
    .replace('*', 'any/path')
    .replace(':file', 'zebrafish-service.log')
}

/** Whether a route is the ABEJA front's, which knows objects by its own names alone. */
export const isAbeja = ({ url }: Route): boolean => url.startsWith('/abeja/') || url.includes('(')

/** Whether a route is the TopChef front's, which knows objects by their keys. */
export const isTopchef = ({ url }: Route): boolean => url.startsWith('/topchef/')

/** The signature of a URL of the caller's own, where the route is for signed ones. */
export function signatureFor({ url }: Route, { urls }: Tenant): string {
  if (url.startsWith('/uploads/')) return new URL(urls.upload).search
  if (url.startsWith('/logs/')) return new URL(urls.log).search
  return url.startsWith('/archives/') ? new URL(urls.archive).search : ''
}

/** What a caller gets there, as text. */
export async function knock(client: Client, method: string, path: string): Promise<string> {
  const hasBody = method === 'POST' || method === 'PUT'
  const response = await fetch(client.url + path, {
    method,
    headers: client.headers,
    redirect: 'manual',
    ...(hasBody ? { body: 'anything' } : {}),
  })
  return JSON.stringify({ status: response.status, body: await response.text() })
}
