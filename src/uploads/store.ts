import type { Context } from '../context.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Prisma, Upload } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
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

/** The URL that takes the bytes: signed for PUT, good until the upload expires. */
export const uploadUrl = (ctx: Context, { id, expiresAt }: Upload): string =>
  ctx.origin + ctx.signer.signPath('PUT', uploadPath(id), expiresAt)
