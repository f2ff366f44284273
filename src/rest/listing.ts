import { Readable } from 'node:stream'
import type { TypedDocumentString } from '../generated/operations/graphql.ts'
import { stringify } from '../kit/json.ts'
import type { RouteAbout } from './document/about.ts'
import { JSON_TYPE, type Reply } from './reply.ts'
import type { Asked, Method, Route, Statuses } from './route.ts'

/** Objects that one page holds: the most that an operation of a front may ask for. */
const PAGE = 1_000

/** The variables by which a listing turns pages. */
interface Turning {
  readonly first?: number | null
  readonly after?: string | null
}

interface Connection<Node> {
  readonly nodes: readonly Node[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

/**
 * A route that answers a whole list, however long: page after page is written as it comes, and none is asked for
 * before the one in front of it has gone out. What is wrong with the request is told before the first byte; a page that
 * fails later breaks the answer off, so that nobody takes half a list for all of it.
 */
export function listing<Data, Variables extends Turning, Node>(spec: {
  readonly method: Method
  readonly path: string
  readonly about: RouteAbout
  readonly statuses?: Statuses
  readonly operation: TypedDocumentString<Data, Variables>
  readonly variables: (asked: Asked) => Omit<Variables, keyof Turning>
  /** The list in the data. Throws a Problem when there is none. */
  readonly connection: (data: Data) => Connection<Node>
  /** One object in the dialect. */
  readonly item: (node: Node, asked: Asked) => unknown
  /** What stands around the objects; `['[', ']']` is the bare list. `data` is the first page's. */
  readonly around: (data: Data, asked: Asked) => readonly [string, string]
  readonly pageSize?: number
}): Route {
  const { method, path, about, statuses = {}, operation, item } = spec
  const first = spec.pageSize ?? PAGE
  return {
    method,
    path,
    about,
    statuses,
    isStreamed: false,
    operations: [String(operation)],
    async run(asked, { execute }) {
      const page = (after: string | null): Promise<Data> =>
        // all its variables: the listing's own and what Omit left
        execute(
          operation,
          { ...spec.variables(asked), first, after } as unknown as Variables,
          asked.ctx,
        )
      const data = await page(null)
      const [open, close] = spec.around(data, asked)
      const one = spec.connection(data)
      const written = (nodes: readonly Node[]): string =>
        nodes.map((node) => stringify(item(node, asked))).join(',')
      if (!one.pageInfo.hasNextPage) return listed(open + written(one.nodes) + close)
      async function* parts(): AsyncGenerator<string> {
        yield open + written(one.nodes)
        let { pageInfo } = one
        while (pageInfo.hasNextPage) {
          const next = spec.connection(await page(pageInfo.endCursor))
          if (next.nodes.length > 0) yield `,${written(next.nodes)}`
          pageInfo = next.pageInfo
        }
        yield close
      }
      return listed(Readable.from(parts(), { objectMode: true, highWaterMark: 1 }))
    },
  }
}

const listed = (body: string | Readable): Reply => ({
  status: 200,
  headers: { 'content-type': JSON_TYPE },
  body,
})
