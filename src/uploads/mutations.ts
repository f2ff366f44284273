import { z } from 'zod'
import { organizationFor } from '../auth/viewer.ts'
import { mutation } from '../graph/mutation.ts'
import { QuotaReached } from '../kit/errors.ts'
import { nameRule } from '../kit/names.ts'
import { organizationNamed } from '../organizations/index.ts'
import { newUpload } from './store.ts'
import { UploadType } from './types.ts'

mutation('createUpload', {
  description: 'Asks for a place to send bytes to.',
  input: (t) => ({
    name: t.string({ required: true, description: 'What it is, for people.' }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
    sizeBytes: t.field({
      type: 'SafeInt',
      description: 'How many bytes will come; another number is refused.',
    }),
    sha256: t.string({
      description: 'Their SHA-256 in lower-case hexadecimal; another is refused.',
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
    const upload = await newUpload(ctx, ctx.database.prisma, {
      organizationId,
      name,
      ...(sizeBytes == null ? {} : { sizeBytes }),
      ...(sha256 == null ? {} : { sha256 }),
    })
    return { upload }
  },
  success: (t) => ({
    upload: t.field({
      type: UploadType,
      description: 'Where to send the bytes.',
      resolve: ({ upload }) => upload,
    }),
  }),
})
