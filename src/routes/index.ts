/** Routes: names that lead to services, so that callers need not know which of them answers. */
export { RouteId } from './route.ts'
export { calleeOfRoute, corsOfRoute } from './store.ts'
