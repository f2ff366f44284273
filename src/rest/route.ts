import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from '../context.ts'
import type { CallAnswer } from '../kit/http/call.ts'
import type { RouteAbout } from './document/about.ts'
import type { FrontOperation, Execute } from './execute.ts'
import { Problem } from './problem.ts'
import type { Reply } from './reply.ts'

/** HEAD is there wherever GET is. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** A request as a front sees it. */
export interface Asked {
  readonly ctx: Context
  readonly method: string
  /** As it was asked for, behind `base`. */
  readonly path: string
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: URLSearchParams
  /** The query as it came, with its `?`; empty when there is none. */
  readonly search: string
  readonly headers: IncomingHttpHeaders
  /** The name this server was reached under, without scheme and port. */
  readonly hostName: string
  /** Where the front was reached, without a trailing slash. */
  readonly base: string
  /** Read whatever its content type says; empty for routes that take a stream. */
  readonly body: Buffer
}

/** What a route works with. */
interface Tools {
  readonly execute: Execute
  /** Calls a service, whose answer passes through as it comes. */
  call(named: Named): Promise<CallAnswer>
}

/** What is called, as the caller named it, and what is sent to it. */
export interface Named {
  readonly deployment: string | undefined
  /** A service, or else a route that leads to one. */
  readonly service?: string
  readonly route?: string
  /** Path behind the service's own, with its query. */
  readonly target: string
  /** Headers that the call has beside, or instead of, those of the request. */
  readonly sent?: Readonly<Record<string, string>>
  /** Headers that the answer has beside its own. */
  readonly told?: Readonly<Record<string, string>>
}

/** One method of one path of a front. */
export interface Route {
  readonly method: Method
  /** With `:name` for each variable part, behind which a pattern may stand in parentheses. */
  readonly path: string
  readonly about: RouteAbout
  /** The operations it executes. */
  readonly operations: readonly FrontOperation[]
  /** Whether the body goes on as it comes and is not read here. */
  readonly isStreamed: boolean
  /** Whether it is there for all methods that no route of its path names, too. */
  readonly takesOthers?: boolean
  /** Statuses that this route has instead of those of its front. */
  readonly statuses: Statuses
  run(asked: Asked, tools: Tools): Promise<Reply>
}

export type Statuses = Readonly<Partial<Record<Problem['code'], number>>>

/**
 * What is asked first when a request turns out to be wrong: whoever may not do it at all, or to something that is not
 * there, is told that and not what is wrong with the request.
 */
export interface Guard {
  readonly operation: FrontOperation
  /** Throws a Problem. */
  check(asked: Asked, execute: Execute): Promise<void>
}

interface Common {
  readonly method: Method
  readonly path: string
  readonly about: RouteAbout
  readonly statuses?: Statuses
}

/** A route that is one operation. */
export function route<Data, Variables>(
  spec: Common & {
    readonly operation: FrontOperation<Data, Variables>
    readonly guard?: Guard
    readonly variables: (asked: Asked) => Variables
    readonly reply: (data: Data, asked: Asked) => Reply
  },
): Route {
  const { method, path, about, statuses = {}, operation, guard } = spec
  return {
    method,
    path,
    about,
    statuses,
    isStreamed: false,
    operations: guard ? [operation, guard.operation] : [operation],
    async run(asked, { execute }) {
      try {
        return spec.reply(await execute(operation, spec.variables(asked), asked.ctx), asked)
      } catch (problem) {
        if (guard !== undefined && isWrong(problem)) await guard.check(asked, execute)
        throw problem
      }
    },
  }
}

/** A route of any number of operations, one after the other, all of which are named in `operations`. */
export function sequence(
  spec: Common & {
    readonly operations: readonly FrontOperation[]
    readonly run: (asked: Asked, execute: Execute) => Promise<Reply>
  },
): Route {
  const { method, path, about, statuses = {}, operations, run } = spec
  return {
    method,
    path,
    about,
    statuses,
    isStreamed: false,
    operations,
    run: (asked, { execute }) => run(asked, execute),
  }
}

const isWrong = (error: unknown): boolean =>
  error instanceof Problem && (error.code === 'BAD_REQUEST' || error.code === 'VALIDATION')

/** A route whose body goes to a service, and whose answer comes from there. */
export function calling(
  spec: Common & {
    readonly named: (asked: Asked) => Named
    readonly refused?: RefusalCheck
    readonly takesOthers?: boolean
  },
): Route {
  const { method, path, about, statuses = {}, named, refused, takesOthers = false } = spec
  return {
    method,
    path,
    about,
    statuses,
    isStreamed: true,
    takesOthers,
    operations: refused ? [refused.operation] : [],
    async run(asked, tools) {
      try {
        return await tools.call(named(asked))
      } catch (problem) {
        await refused?.check(problem, asked, tools.execute)
        throw problem
      }
    },
  }
}

/** Looks into why a call was refused, and throws what is to be told instead. */
export interface RefusalCheck {
  readonly operation: FrontOperation
  check(error: unknown, asked: Asked, execute: Execute): Promise<void>
}
