/** A client of graphql-ws or graphql-sse, as far as it matters here. */
export interface SubscriptionClient {
  subscribe(request: never, sink: never, ...rest: never[]): () => void
  dispose?(): unknown
}

/** What both protocols' clients send. */
export interface SubscribeRequest {
  readonly query?: string | null | undefined
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined
}

/** What both protocols' clients tell what comes to. */
export interface Sink<Result> {
  next(result: Result): void
  error(error: unknown): void
  complete(): void
}

/** What subscribes, and answers what stops that. */
export type Subscribe<Result> = (
  request: SubscribeRequest,
  sink: Sink<Result>,
  ...rest: readonly unknown[]
) => () => void
