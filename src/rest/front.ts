import type { Front as Name } from '../generated/prisma/enums.ts'
import type { ApiAbout } from './document/about.ts'
import type { Problem } from './problem.ts'
import type { Reply } from './reply.ts'
import type { Route } from './route.ts'

/** One old system, as its clients know it. */
export interface Front {
  readonly name: Name
  /** Where it stands on the main port. A listener of its own (`ROOT_FRONT_<NAME>_PORT`) has it at the root. */
  readonly prefix: string
  readonly routes: readonly Route[]
  /** What its clients also call at the root of the main port. */
  readonly atRoot: readonly Route[]
  /** How it tells of a problem. `route` is the one that had it, if the request came so far. */
  tell(problem: Problem, route: Route | undefined): Reply
  /** Whether `X-HTTP-Method-Override` replaces the method of a request. */
  readonly overridesMethod: boolean
  /** Whether OPTIONS is answered with the methods that a path has. */
  readonly tellsMethods: boolean
  readonly api: ApiAbout
}
