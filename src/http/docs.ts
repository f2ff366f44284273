import type { FastifyInstance } from 'fastify'
import { page, PAGE_HEADERS, type Front } from '../rest/index.ts'

/** `/docs`: where the API is, and the documentation of every front. */
export function docs(fronts: readonly Front[]) {
  const links = fronts.map(
    ({ api, prefix }) =>
      `<li><a href="${prefix}/docs">${api.title}</a>, <a href="${prefix}${api.path}">API document</a></li>`,
  )
  const html = page(
    'Millrace',
    `<p>The API is GraphQL: <a href="/graphql">/graphql</a> has its documentation.</p><h2>Fronts for older clients</h2><ul>${links.join('')}</ul>`,
  )
  return async (http: FastifyInstance): Promise<void> => {
    http.get('/docs', (_request, reply) => reply.headers(PAGE_HEADERS).send(html))
  }
}
