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
  description: 'HTTP methods of uploads.',
  values: { PUT: { description: 'PUT, with the bytes as the body.' } } as const,
})

export const UploadType = builder.prismaObject('Upload', {
  description: 'Where to send bytes by plain HTTP, and how far that is.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => UploadId.text(id) }),
    method: t.field({
      type: UploadMethodType,
      description: 'HTTP method to send the bytes with.',
      resolve: () => 'PUT' as const,
    }),
    url: t.string({
      nullable: true,
      description:
        'Where to send the bytes; null below DEVELOPER. Signed: whoever has it may send, in the name of whoever asked for the upload, so keep it. No credential is needed with it. An upload that was cut off or refused is sent again to the same URL; once the bytes are taken, the same bytes are answered 200 again, and others 409.',
      resolve: (upload, _args, ctx) => (maySend(ctx, upload) ? uploadUrl(ctx, upload) : null),
    }),
    headers: t.field({
      type: [NameValueType],
      nullable: true,
      description: 'Headers to send with the bytes; null below DEVELOPER.',
      resolve: (upload, _args, ctx) => (maySend(ctx, upload) ? [] : null),
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the URL ends.' }),
    receivedBytes: t.expose('receivedBytes', {
      type: 'SafeInt',
      description: 'Bytes that were taken; 0 until all have come and none was refused.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When they were taken, which is for good.',
    }),
  }),
})

isNode(UploadId, () => 'Upload', uploadById)

builder.queryField('upload', (t) =>
  t.prismaField({
    type: 'Upload',
    nullable: true,
    description: 'An upload and how far it is.',
    args: { id: t.arg.id({ required: true, description: 'Canonical id.' }) },
    resolve: (_query, _root, { id }, ctx) => {
      const uuid = UploadId.read(id)
      return uuid === undefined ? null : uploadById(ctx, uuid)
    },
  }),
)
