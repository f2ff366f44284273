import type { Platform } from '../context.ts'
import { checkAgain, clearChecks, giveUpChecks } from '../deployments/index.ts'
import type { Arrival } from '../generated/prisma/client.ts'
import { DomainError, outageIn, Unavailable } from '../kit/errors.ts'
import { failedOver, inHand, takeLeftArrival } from '../uploads/index.ts'
import { engine } from '../job-engine/index.ts'

/** Rounds are a second apart. */
const OFTEN = 1
const SELDOM = 5

/** Takes over the uploads that a dead server, or a fault, has left. Answers its end. */
export async function leftUploads(platform: Platform): Promise<() => Promise<void>> {
  const closing = new AbortController()
  const { signal } = closing
  await clearChecks(platform).catch((err: unknown) =>
    platform.log.warn({ err }, 'could not remove what earlier checks have left'),
  )
  const stop = engine(platform, [
    {
      name: 'left uploads',
      everyRounds: OFTEN,
      async run() {
        const tried: string[] = []
        while (!signal.aborted) {
          const left = await takeLeftArrival(platform, tried)
          if (left === undefined) return
          tried.push(left.key)
          await settle(platform, left, signal)
        }
      },
    },
    { name: 'left checks', everyRounds: SELDOM, run: () => giveUpChecks(platform) },
  ])
  return () => {
    closing.abort()
    return stop()
  }
}

/** Checks whole bytes of an archive, whose outcome the version tells, and lets go of all others. */
async function settle(platform: Platform, left: Arrival, signal: AbortSignal): Promise<void> {
  const { key, uploadId, versionId } = left
  const upload = await platform.database.prisma.upload.findUnique({ where: { id: uploadId } })
  try {
    await inHand(platform, key, { id: uploadId, versionId }, async () => {
      if (upload !== null && versionId !== null)
        await checkAgain(platform, left, { ...upload, versionId }, signal)
    })
  } catch (cause) {
    const isTold = cause instanceof DomainError && !(cause instanceof Unavailable)
    if (isTold || signal.aborted) return
    if (!(cause instanceof Unavailable) && outageIn(cause) === undefined)
      await failedOver(platform, left)
    throw cause
  }
}
