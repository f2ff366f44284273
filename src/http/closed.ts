import type { ServerResponse } from 'node:http'

/** Calls back when an answer's connection has closed: at once, when it closed while something else was waited for. */
export function whenClosed(response: ServerResponse, then: () => void): void {
  if (response.destroyed) then()
  else response.once('close', then)
}
