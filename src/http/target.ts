import type { IncomingMessage } from 'node:http'

const ABSOLUTE = /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/is

/**
 * The target of a request as path and query. One in absolute form, as proxies write it, says with that which host is
 * meant, whatever `Host` says (RFC 9112, 3.2.2).
 */
export function originForm(request: IncomingMessage): string {
  const { url = '/' } = request
  const host = ABSOLUTE.exec(url)?.[1]
  if (host !== undefined) request.headers.host = host
  return pathIn(url)
}

/** Path and query of a target of either form. */
export function pathIn(url: string): string {
  const path = ABSOLUTE.exec(url)?.[2] ?? url
  return path.startsWith('/') ? path : `/${path}`
}

/** A path split where the address of a service ends. */
export interface SplitTarget {
  /** The service's own part, in which doubled slashes count as one, as they do to the router. */
  readonly prefix: string
  /** What is asked of the service itself: the rest with its query, byte for byte. */
  readonly target: string
}

/** Splits the target of a request behind its first segments. */
export function behind(url: string, segments: number): SplitTarget {
  const prefix = new RegExp(`^(?:/+[^/?#]+){${segments}}`).exec(url)?.[0] ?? ''
  const rest = url.slice(prefix.length)
  return {
    prefix: prefix.replaceAll(/\/{2,}/g, '/'),
    target: rest.startsWith('/') ? rest : `/${rest}`,
  }
}
