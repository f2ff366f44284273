import { builder } from '../builder.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import { uploadById, uploadUrl } from './store.ts'
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

export const UploadType = builder.prismaObject('Upload', {
  description: 'Where to send bytes by plain HTTP, and how far that is.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => UploadId.text(id) }),
    method: t.string({ description: 'The HTTP method to use.', resolve: () => 'PUT' }),
    url: t.string({
      description:
        'Where to send the bytes. Signed: whoever has it may send, so keep it. No credential is needed with it.',
      resolve: (upload, _args, ctx) => uploadUrl(ctx, upload),
    }),
    headers: t.field({
      type: [NameValueType],
      description: 'Headers to send with the bytes.',
      resolve: () => [],
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the URL ends.' }),
    receivedBytes: t.expose('receivedBytes', {
      type: 'SafeInt',
      description: 'Bytes that have arrived whole.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When all had arrived.',
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
