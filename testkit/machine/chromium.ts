import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The Chromium of this machine; undefined where there is none. */
export const chromiumPath = [process.env['CHROMIUM'], ...places].find(
  (path) => path !== undefined && existsSync(path),
)

/** The title of a test that needs one. */
export const withChromium = (title: string): string =>
  chromiumPath === undefined
    ? `${title} (skipped: no Chromium was found; CHROMIUM names one)`
    : title

export interface Browser {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** A browser with a fresh profile, which talks to this machine alone. */
export async function openChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('No Chromium was found.')
  const profile = await mkdtemp(join(tmpdir(), 'millrace-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
    ],
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}
