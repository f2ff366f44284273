import type { Site } from '../context.ts'
import { executing, type Front, type Host } from '../rest/index.ts'
import { atOurs, passOn } from './calls/answers.ts'
import { callOf, invoked } from './calls/calls.ts'
import { refusal } from './guard.ts'
import { seenOf } from './observe/seen.ts'
import { originOf } from './origin.ts'
import { prepare } from './front-operations.ts'
import { reached } from './reached.ts'
import { contextOf, operationContext } from './request.ts'
import { keepPace } from './slow-senders.ts'

/** What the fronts are given: their operations, compiled now, and this server's own ways of doing things. */
export function frontHost(site: Site, fronts: readonly Front[]): Host {
  const operations = fronts.flatMap(({ name, routes, atRoot }) =>
    [...routes, ...atRoot].flatMap((route) => route.operations.map((one) => [one, name] as const)),
  )
  const prepared = new Map([...new Map(operations)].map(([one, name]) => [one, prepare(name, one)]))
  return {
    site,
    execute: executing(prepared),
    contextOf(request, front, isCall) {
      if (!isCall) return operationContext(site, request, front)
      keepPace(request, site.config)
      return contextOf(site, request, front)
    },
    refusal: (request, front) => refusal(site.config, request, front),
    async call(ctx, request, reply, named) {
      const { deployment, service, route = '', target, sent } = named
      const address = ctx.origin + request.url.split('?')[0]
      const call = callOf(site, request, reply, { target, address, sent })
      const shown = atOurs(site, request, ctx)
      const answer = await invoked(site, ctx, reply, () =>
        service === undefined
          ? ctx.doors.invokeRoute(ctx, deployment, route, call)
          : ctx.doors.invoke(ctx, deployment, service, call),
      )
      const ours = shown(answer)
      return { ...ours, headers: { ...ours.headers, ...named.told } }
    },
    passOn,
    hostOf: (request) => reached(site.config, request).host,
    originOf: (request) => originOf(site, request),
    logOf: (request) => seenOf(site, request).log,
  }
}
