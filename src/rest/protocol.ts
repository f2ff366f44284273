import type { ApiAbout } from './document/about.ts'
import type { FrontName } from './fronts.ts'
import type { Problem } from './problem.ts'
import type { Reply } from './reply.ts'
import type { Route } from './route.ts'

/** What the clients of an old system speak with its front. */
export interface Protocol {
  readonly routes: readonly Route[]
  /** What they also call at the root of the main port. */
  readonly atRoot: readonly Route[]
  /** How it tells of a problem. `route` is the one that had it, if the request came so far. */
  tell(problem: Problem, route: Route | undefined): Reply
  /** Whether `X-HTTP-Method-Override` replaces the method of a request. */
  readonly overridesMethod: boolean
  /** Whether OPTIONS is answered with the methods that a path has. */
  readonly tellsMethods: boolean
  readonly api: ApiAbout
}

/** A front as it is served. */
export interface Front extends Protocol {
  readonly name: FrontName
  /** Where it stands on the main port. A listener of its own (`ROOT_FRONT_<NAME>_PORT`) has it at the root. */
  readonly prefix: string
}
