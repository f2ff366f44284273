import { z } from 'zod'
import { allow, found, organizationFor } from '../auth/viewer.ts'
import { actor } from '../context.ts'
import { mutation } from '../graph/mutation.ts'
import { QuotaReached } from '../kit/errors.ts'
import { nameRule } from '../kit/names.ts'
import { organizationNamed } from '../organizations/index.ts'
import { act, AUDIT } from '../streams/index.ts'
import { newUpload, renewedUpload, uploadById } from './store.ts'
import { UploadType } from './types.ts'
import { UploadId } from './upload.ts'

mutation('createUpload', {
  description:
    'Creates an upload: a signed URL to which the caller sends the bytes of an archive. Requires the DEVELOPER role.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Name that says what the bytes are.' }),
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Required when the caller is a member of several organizations.',
    }),
    sizeBytes: t.field({
      type: 'SafeInt',
      description:
        'Size that the upload must have, in bytes. Default: any size up to the limit of the server.',
    }),
    sha256: t.string({
      description:
        'SHA-256 digest that the upload must have, in lower-case hexadecimal. Default: any.',
    }),
  }),
  check: z.object({
    name: nameRule,
    sizeBytes: z.number().min(0).nullish(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits.')
      .nullish(),
  }),
  errors: [QuotaReached],
  resolve: async (ctx, input) => {
    const named = await organizationNamed(ctx, input.organizationId)
    const organizationId = organizationFor(ctx.viewer, 'DEVELOPER', named)
    const limit = ctx.config.maxArchiveBytes
    if (input.sizeBytes != null && input.sizeBytes > limit)
      throw new QuotaReached(`An upload has at most ${limit} bytes (MAX_ARCHIVE_BYTES).`, limit)
    const { name, sizeBytes, sha256 } = input
    const upload = await ctx.database.prisma.$transaction(async (db) => {
      const made = await newUpload(ctx, db, { organizationId, name, sizeBytes, sha256 })
      const changes = [{ field: 'name', to: name }]
      await db.$executeRaw(
        act(organizationId, actor(ctx), 'createUpload', { kind: UploadId, id: made.id }, changes),
      )
      return made
    })
    ctx.hub.hint(AUDIT, organizationId)
    return { upload }
  },
  again: async (ctx, id) => {
    const upload = found(await uploadById(ctx, id), 'upload', UploadId.text(id))
    allow(ctx.viewer, 'DEVELOPER', upload.organizationId)
    return { upload }
  },
  refresh: async (ctx, { upload }) => ({ upload: await renewedUpload(ctx, upload) }),
  success: (t) => ({
    upload: t.field({
      type: UploadType,
      description: 'The upload, with the URL to send the bytes to.',
      resolve: ({ upload }) => upload,
    }),
  }),
})
