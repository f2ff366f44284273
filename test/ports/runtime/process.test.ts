import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process.ts'
import { conformsToRuntime } from './conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-runtime-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const log = { warn: () => {} }

conformsToRuntime('process', () =>
  Promise.resolve(processRuntime({ dir: mkdtempSync(join(root, 'data-')), log })),
)
