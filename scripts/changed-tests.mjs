// Runs the tests that are nearest to what has changed since this branch left main, committed or not: test files that
// changed, the last one first, then those that import a changed file of src/ or testkit/ themselves, the quickest
// first; of them as many as take half a minute, by what they took when they last ran here. What the layers allow is
// tested each time: it is soon done, and any file can break it.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { root, run } from './run.mjs'

const ALWAYS = 'test/architecture.test.ts'
const LONGEST_S = 30
/** Of a file that has not run here. */
const UNKNOWN_S = 10

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
const timeOf = (file) => statSync(join(root, file)).mtimeMs

/** Where this branch left main; without a main, the last commit. */
function base() {
  for (const main of ['origin/main', 'main'])
    try {
      return git('merge-base', 'HEAD', main)
    } catch {
      // there is none in this clone
    }
  return 'HEAD'
}

function changed() {
  try {
    const tracked = git('diff', '--name-only', base())
    const added = git('ls-files', '--others', '--exclude-standard')
    return new Set(
      `${tracked}\n${added}`.split('\n').filter((file) => existsSync(join(root, file))),
    )
  } catch {
    return new Set() // no repository, or one without a commit
  }
}

/** What a test file imports, through other files of test/, but not through those of src/ and testkit/. */
function imported(file, seen = new Set()) {
  for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(
    /(?:\bfrom|\bimport\(?)\s*'(\.[^']+)'/g,
  )) {
    const target = relative(root, resolve(root, dirname(file), path))
    if (seen.has(target) || !existsSync(join(root, target))) continue
    seen.add(target)
    if (target.startsWith('test/') && target.endsWith('.ts')) imported(target, seen)
  }
  return seen
}

function secondsByFile() {
  try {
    return JSON.parse(readFileSync(join(root, 'node_modules/.cache/test-seconds.json'), 'utf8'))
  } catch {
    return {} // no test has run here
  }
}

/** What the tests start of dist/ is what src/ says. */
function isBuilt() {
  const bin = 'dist/bin.js'
  if (!existsSync(join(root, bin))) return false
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  return sources.every((file) => timeOf(join('src', file)) <= timeOf(bin))
}

const files = changed()
const seconds = secondsByFile()
const costOf = (file) => seconds[file] ?? UNKNOWN_S
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join('test', file))
  .filter((file) => file !== ALWAYS)
const own = tests.filter((file) => files.has(file)).toSorted((a, b) => timeOf(b) - timeOf(a))
const near = tests
  .filter((file) => !files.has(file) && [...imported(file)].some((one) => files.has(one)))
  .toSorted((a, b) => costOf(a) - costOf(b))

const chosen = []
let left = LONGEST_S
for (const file of [...own, ...near]) {
  if (costOf(file) > left) continue
  left -= costOf(file)
  chosen.push(file)
}

const steps = [`vitest run --config test/vitest.config.ts ${[ALWAYS, ...chosen].join(' ')}`]
if (!isBuilt() && chosen.length > 0) steps.unshift('node scripts/build.mjs')
const { isDone, output } = await run(steps.join(' && '))
process.stdout.write(output)
const others = own.length + near.length - chosen.length
if (others > 0) console.log(`${others} more test files are near to what changed: npm test`)
process.exitCode = isDone ? 0 : 1
