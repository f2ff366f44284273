import { builder } from '../builder.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import { maySend, uploadById, uploadUrl } from './store.ts'
import { UploadId } from './upload.ts'

export const NameValueType = builder
  .objectRef<{ name: string; value: string }>('NameValue')
  .implement({
    description: 'A name and a value.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'The name.' }),
      value: t.exposeString('value', { description: 'The value.' }),
    }),
  })

export const NameValueInput = builder.inputType('NameValueInput', {
  description: 'A name and a value.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The name.' }),
    value: t.string({ required: true, description: 'The value.' }),
  }),
})

const UploadMethodType = builder.enumType('UploadMethod', {
  description: 'HTTP method of an upload.',
  values: { PUT: { description: 'PUT, with the bytes as the body.' } } as const,
})

export const UploadType = builder.prismaObject('Upload', {
  description: 'An upload of bytes by plain HTTP, and its progress.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the upload.', resolve: ({ id }) => UploadId.text(id) }),
    method: t.field({
      type: UploadMethodType,
      description: 'HTTP method to send the bytes with.',
      resolve: () => 'PUT' as const,
    }),
    url: t.string({
      nullable: true,
      description:
        'Signed URL to send the bytes to. Anyone who has the URL can send bytes in the name of the actor who created the upload, so keep it secret; no credential is needed. An upload that was interrupted or refused can be sent again to the same URL. After the bytes were accepted, sending the same bytes again returns 200, other bytes 409. Null for callers without the DEVELOPER role.',
      resolve: (upload, _args, ctx) => (maySend(ctx, upload) ? uploadUrl(ctx, upload) : null),
    }),
    headers: t.field({
      type: [NameValueType],
      nullable: true,
      description:
        'HTTP headers to send with the bytes. Null for callers without the DEVELOPER role.',
      resolve: (upload, _args, ctx) => (maySend(ctx, upload) ? [] : null),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Time at which the URL expires.',
    }),
    receivedBytes: t.expose('receivedBytes', {
      type: 'SafeInt',
      description: 'Number of bytes received and accepted. 0 until the whole upload was accepted.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the upload was accepted. Null until then.',
    }),
  }),
})

isNode(UploadId, () => 'Upload', uploadById)

builder.queryField('upload', (t) =>
  t.prismaField({
    type: 'Upload',
    nullable: true,
    description: 'Returns an upload and its progress; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'ID of the upload.' }) },
    resolve: (_query, _root, { id }, ctx) => {
      const uuid = UploadId.read(id)
      return uuid === undefined ? null : uploadById(ctx, uuid)
    },
  }),
)
