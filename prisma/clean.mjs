// Empties dist/ before a build, so that a renamed file leaves no ghost behind.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
