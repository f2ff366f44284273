import type { Client as Socket } from 'graphql-ws'
import { everything, type Tenant } from './tenant.ts'

/** One cursor of each stream of the organization, and one of its lists. */
export async function cursorsOf(tenant: Tenant): Promise<string[]> {
  const answer = JSON.stringify(await everything(tenant.viewers.ADMIN, tenant))
  const all = [...answer.matchAll(/[cC]ursor":"([^"]+)"/g)].map(([, cursor = '']) => cursor)
  return [
    ...new Map(
      all.map((cursor) => [cursor.split('.')[1] === undefined ? '' : cursor.split('.')[0], cursor]),
    ).values(),
  ]
}

/** What a subscription answers first, as text. */
export async function firstOf(socket: Socket, query: string, variables: object): Promise<string> {
  try {
    const answers = socket.iterate({ query, variables: { ...variables } })
    for await (const { data, errors } of answers)
      return JSON.stringify({
        data,
        errors: errors?.map(({ message, extensions }) => ({ message, code: extensions?.['code'] })),
      })
    return 'ended'
  } catch (closed) {
    return `closed ${(closed as { code?: number }).code}`
  }
}
