import type { PoolClient } from 'pg'
import { actor, type Context, type Platform } from '../context.ts'
import { isAllowed, organizationsOf } from '../auth/viewer.ts'
import { Prisma, type Upload } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { batched } from '../kit/batched.ts'
import { act } from '../streams/index.ts'
import { UPLOAD_SECONDS, UploadId, uploadPath } from './upload.ts'

/** Makes a place for bytes, within the transaction that needs it. */
export const newUpload = (
  ctx: Context,
  db: Prisma.TransactionClient,
  about: {
    organizationId: string
    name: string
    versionId?: string
    sizeBytes?: number | null | undefined
    sha256?: string | null | undefined
  },
): Promise<Upload> =>
  db.upload.create({
    data: {
      id: UploadId.make(),
      organizationId: about.organizationId,
      name: about.name,
      versionId: about.versionId ?? null,
      sizeBytes: about.sizeBytes == null ? null : BigInt(about.sizeBytes),
      sha256: about.sha256 ?? null,
      expiresAt: urlEnd(ctx),
      creator: { ...actor(ctx) },
    },
  })

/** The upload with a URL that is good for a while again, if it has run out and nothing has come yet. */
export async function renewedUpload(ctx: Context, upload: Upload): Promise<Upload> {
  if (upload.expiresAt > ctx.now()) return upload
  const { upload: table } = ctx.database.prisma
  await table.updateMany({
    where: { id: upload.id, completedAt: null, expiresAt: { lte: ctx.now() } },
    data: { expiresAt: urlEnd(ctx) },
  })
  return (await table.findUnique({ where: { id: upload.id } })) ?? upload
}

const urlEnd = (ctx: Context): Date => new Date(ctx.now().getTime() + UPLOAD_SECONDS * 1000)

export const uploadById = batched<Context, Upload>((ctx, ids) =>
  ctx.database.prisma.upload.findMany({
    where: { id: { in: ids }, organizationId: { in: organizationsOf(ctx.viewer) } },
  }),
)

/** Whether the viewer may send the bytes: whoever may is shown how. */
export const maySend = ({ viewer }: Context, { organizationId }: Upload): boolean =>
  isAllowed(viewer, 'DEVELOPER', organizationId)

/** The URL that takes the bytes: signed for PUT, good until the upload expires. */
export const uploadUrl = (ctx: Context, { id, expiresAt }: Upload): string =>
  ctx.origin + ctx.signer.signPath('PUT', uploadPath(id), expiresAt)

/** Whoever asked for an upload: what its URL does is done in that name. */
export const askedBy = ({ creator }: Upload): Actor => creator as unknown as Actor // the column holds an Actor

/**
 * Records, within the transaction that takes them, that the bytes of an upload have come; false when others had come
 * before. An upload is complete once.
 */
export async function completeUpload(
  { database, now }: Platform,
  client: PoolClient,
  upload: Upload,
  { sizeBytes, sha256 }: { readonly sizeBytes: number; readonly sha256: string },
): Promise<boolean> {
  const completed = await database.query(
    Prisma.sql`
      UPDATE "Upload" SET "receivedBytes" = ${sizeBytes}::bigint, "receivedSha256" = ${sha256}, "completedAt" = ${now()}
      WHERE id = ${upload.id}::uuid AND "completedAt" IS NULL RETURNING id`,
    { client },
  )
  if (completed.length === 0) return false
  const { organizationId, id } = upload
  await database.query(
    act(organizationId, askedBy(upload), 'uploadReceived', { kind: UploadId, id }),
    {
      client,
    },
  )
  return true
}
