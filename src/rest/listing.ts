import { Readable } from 'node:stream'
import { stringify } from '../kit/json/json.ts'
import type { RouteAbout } from './document/about.ts'
import type { FrontOperation, Execute } from './execute.ts'
import { Problem } from './problem.ts'
import { JSON_TYPE, type Reply } from './reply.ts'
import type { Asked, Method, Route, Statuses } from './route.ts'

/** Objects that one page holds at most, which is what an operation of a front may ask for. */
const PAGE = 1_000
/** Sizes of pages: few, because a statement may be prepared for each. */
const SIZES = [1, 4, 16, 64, 250]
/** Characters that a page should have at most, where objects may be large. */
const CHARACTERS = 4_000_000

/** The variables by which a listing turns pages. */
interface Turning {
  readonly first?: number | null
  readonly after?: string | null
}

interface Connection<Node> {
  readonly nodes: readonly Node[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

/** How a list is read and written. */
interface Paging<Data, Variables extends Turning, Node> {
  readonly operation: FrontOperation<Data, Variables>
  readonly variables: (asked: Asked) => Omit<Variables, keyof Turning>
  /** The list in the data. Throws a Problem when there is none. */
  readonly connection: (data: Data, asked: Asked) => Connection<Node>
  /** One object in the dialect. */
  readonly item: (node: Node, asked: Asked) => unknown
  /** Objects on a page, at most; 1,000 when absent. */
  readonly pageSize?: number
  /** Objects on the first page, where one may be large: the next are as long as what has come leads to expect. */
  readonly firstPage?: number
}

/** A list whose first page was read. */
export interface OpenList<Data> {
  /** The first page's. */
  readonly data: Data
  /** All objects, with commas between, when the first page has them all. */
  readonly whole: string | undefined
  /** All objects, with commas between, page after page; none is asked for before the one in front of it has gone out. */
  parts(): AsyncIterable<string>
}

/** Reads the first page of a list. Throws a Problem. */
export async function openList<Data, Variables extends Turning, Node>(
  paging: Paging<Data, Variables, Node>,
  asked: Asked,
  execute: Execute,
): Promise<OpenList<Data>> {
  const { operation, variables, connection, item, pageSize = PAGE, firstPage = pageSize } = paging
  /** A page of so many objects, or of fewer where they are too large to be read at once. */
  const page = async (first: number, after: string | null): Promise<Data> => {
    try {
      // all its variables: the list's own and what Omit left
      const own = { ...variables(asked), first, after } as unknown as Variables
      return await execute(operation, own, asked.ctx)
    } catch (cause) {
      const isTooLarge = cause instanceof Problem && cause.code === 'TOO_COMPLEX'
      if (!isTooLarge || first === 1) throw cause
      asked.ctx.operation.release()
      return page(SIZES.findLast((size) => size < first) ?? 1, after)
    }
  }
  const data = await page(firstPage, null)
  const { nodes, pageInfo } = connection(data, asked)
  const written = (some: readonly Node[]): string =>
    some.map((node) => stringify(item(node, asked))).join(',')
  const begin = written(nodes)
  return {
    data,
    whole: pageInfo.hasNextPage ? undefined : begin,
    async *parts() {
      yield begin
      let size = nextSize(firstPage, pageSize, begin.length / nodes.length)
      for (let at = pageInfo; at.hasNextPage;) {
        asked.ctx.operation.release() // the page before has gone out
        const next = connection(await page(size, at.endCursor), asked)
        const text = written(next.nodes)
        if (next.nodes.length > 0) yield `,${text}`
        size = nextSize(size, pageSize, text.length / next.nodes.length)
        at = next.pageInfo
      }
    },
  }
}

/** How long the next page is, after one of so many objects with so many characters each: not much longer than that one. */
function nextSize(last: number, most: number, characters: number): number {
  const sizes = [...SIZES.filter((size) => size < most), most]
  return sizes.findLast((size) => size <= 4 * last && size * characters <= CHARACTERS) ?? 1
}

/** A JSON document that has lists in it, each of which may stand there more than once. */
export function listed(...parts: readonly (string | OpenList<unknown>)[]): Reply {
  const texts = parts.map((part) => (typeof part === 'string' ? part : part.whole))
  async function* streamed(): AsyncGenerator<string> {
    for (const part of parts)
      if (typeof part === 'string') yield part
      else yield* part.parts()
  }
  return {
    status: 200,
    headers: { 'content-type': JSON_TYPE },
    body: texts.every((text) => text !== undefined)
      ? texts.join('')
      : Readable.from(streamed(), { objectMode: true, highWaterMark: 1 }),
  }
}

/**
 * A route that answers a whole list, however long: page after page is written as it comes. What is wrong with the
 * request is told before the first byte; a page that fails later breaks the answer off, so that nobody takes half a
 * list for all of it.
 */
export function listing<Data, Variables extends Turning, Node>(
  spec: Paging<Data, Variables, Node> & {
    readonly method: Method
    readonly path: string
    readonly about: RouteAbout
    readonly statuses?: Statuses
    /** What stands around the objects; `['[', ']']` is the bare list. `data` is the first page's. */
    readonly around: (data: Data, asked: Asked) => readonly [string, string]
  },
): Route {
  const { method, path, about, statuses = {}, operation } = spec
  return {
    method,
    path,
    about,
    statuses,
    isStreamed: false,
    operations: [operation],
    async run(asked, { execute }) {
      const list = await openList(spec, asked, execute)
      const [open, close] = spec.around(list.data, asked)
      return listed(open, list, close)
    },
  }
}
