// Compiles src/ into dist/. The new dist/ takes the old one's place whole, so that what runs from it during a
// build finds either, never half of one, and a renamed file leaves no ghost behind. Types are for `npm run types`,
// which sees the tests' too: to check them here takes as long as all the rest of a build.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
)
const [made, old, dist] = [`dist.${process.pid}`, `dist.${process.pid}.old`, 'dist'].map((name) =>
  join(root, name),
)

const { status } = spawnSync(process.execPath, [tsc, '-p', 'src', '--noCheck', '--outDir', made], {
  cwd: root,
  stdio: 'inherit',
})
if (status === 0) {
  if (existsSync(dist)) renameSync(dist, old)
  renameSync(made, dist)
  // `npx millrace` finds this link. A `bin` in package.json would come before it, and npx would then install the
  // folder into its cache, building it all again
  const bin = join(root, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  rmSync(join(bin, 'millrace'), { force: true })
  symlinkSync(join('..', '..', 'dist', 'bin.js'), join(bin, 'millrace'))
  chmodSync(join(dist, 'bin.js'), 0o755)
}
for (const folder of [made, old]) rmSync(folder, { recursive: true, force: true })
process.exitCode = status ?? 1
