import { randomBytes } from 'node:crypto'
import type { Program } from '../runtime.ts'

/** By which a handler knows its server: what its process is told, and what requests to it carry. */
export interface InstanceKey {
  readonly environment: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

/** A new key for one start; none for a command, which would not look at it. */
export function instanceKey({ kind }: Program): InstanceKey {
  if (kind === 'command') return { environment: {}, headers: {} }
  const key = randomBytes(32).toString('base64url')
  return {
    environment: { MILLRACE_INSTANCE_KEY: key },
    headers: { 'millrace-instance-key': key },
  }
}
