/** Which pages of other origins may call a service from a browser (the CORS protocol of the Fetch standard). */
export interface CorsPolicy {
  /** As browsers write them, or `*`. */
  readonly origins: readonly string[]
  /** Null for all, as with the next two. */
  readonly methods: readonly string[] | null
  /** Fields of requests. */
  readonly headers: readonly string[] | null
  /** Fields of answers. */
  readonly exposedHeaders: readonly string[] | null
  readonly maxAgeSeconds: number
}
