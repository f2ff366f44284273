import { z } from 'zod'
import { annotationField, namingFields } from '../addresses/index.ts'
import type { Context } from '../context.ts'
import { mutation, shows } from '../graph/mutation.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import { handleRule, nameRule, textRule } from '../kit/names.ts'
import { NameValueInput, renewedUpload, UploadType } from '../uploads/index.ts'
import {
  createDeployment,
  createDeploymentVersion,
  deleteDeployment,
  deleteDeploymentVersion,
  updateDeployment,
} from './actions.ts'
import { createdVersion } from './again.ts'
import { deployments, versions } from './deployment.ts'
import { DeploymentId, VersionId } from './deployment.ts'
import { EnvironmentVariableInput } from './environment.ts'
import { environmentRule, parametersRule } from './rules.ts'
import { DeploymentType, VersionType } from './types.ts'

const again = async (ctx: Context, id: string) => ({
  deployment: await deployments.changedBefore(ctx, id),
})
const asDeployment = shows('deployment', DeploymentType)

mutation('createDeployment', {
  description: 'Makes a deployment.',
  input: (t) => ({
    name: t.string({ required: true, description: 'For people; need not be unique.' }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
    handle: t.string({
      description: 'Unique in the organization; made from the name when absent.',
    }),
    description: t.string({ defaultValue: '', description: 'For people.' }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description: 'Variables every service of it gets.',
    }),
    ...namingFields(t),
  }),
  check: z.object({
    name: nameRule,
    handle: handleRule.nullish(),
    description: textRule.nullish(),
    environment: environmentRule,
  }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ deployment: await createDeployment(ctx, input) }),
  again,
  success: asDeployment('The new deployment.'),
})

mutation('updateDeployment', {
  description:
    'Changes what is given. Services take a new environment with their next restart or rollout.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Which: id, handle or address.' }),
    name: t.string({ description: 'For people.' }),
    description: t.string({ description: 'For people.' }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description: 'Variables to set or remove; the others stay.',
    }),
    clearEnvironment: t.boolean({
      defaultValue: false,
      description: 'Remove the variables that are not among these.',
    }),
    ...annotationField(t),
  }),
  check: z.object({
    name: nameRule.nullish(),
    description: textRule.nullish(),
    environment: environmentRule,
  }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ deployment: await updateDeployment(ctx, input) }),
  again,
  success: asDeployment('The deployment as it is now.'),
})

mutation('deleteDeployment', {
  description: 'Deletes a deployment that has no services; its versions and routes go with it.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which: id, handle or address.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ deployment: await deleteDeployment(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'Canonical id of what is gone.',
      resolve: ({ deployment }) => DeploymentId.text(deployment.id),
    }),
    ...asDeployment('The deployment as it last was.')(t),
  }),
})

mutation('createDeploymentVersion', {
  description: 'Makes a version; send its archive to the upload, then it is checked.',
  input: (t) => ({
    deploymentId: t.id({ required: true, description: 'Of which deployment.' }),
    label: t.string({ required: true, description: 'Unique in the deployment, such as "1.0.0".' }),
    image: t.string({
      description: 'What runs it: `node…` for a Node.js module, otherwise Python. Default: python.',
    }),
    handler: t.string({
      description: 'Module and function, such as `main:handler`, which is the default.',
    }),
    command: t.string({ description: 'A command that listens on $PORT, instead of a handler.' }),
    parameters: t.field({ type: [NameValueInput], description: 'Variables of this version.' }),
    ...namingFields(t),
  }),
  check: z
    .object({
      label: nameRule,
      image: nameRule.nullish(),
      handler: z
        .string()
        .regex(
          /^[\w$./-]{1,200}:[\w$]{1,100}$/,
          'A handler is a module and a function with ":" between, such as "main:handler".',
        )
        .nullish(),
      command: textRule.nullish(),
      parameters: parametersRule,
    })
    .refine(({ handler, command }) => !(handler && command), {
      path: ['command'],
      message: 'Give a handler or a command, not both.',
    }),
  errors: [Conflict],
  resolve: (ctx, input) => createDeploymentVersion(ctx, input),
  again: createdVersion,
  refresh: async (ctx, { version, upload }) => ({
    version,
    upload: await renewedUpload(ctx, upload),
  }),
  success: (t) => ({
    version: t.field({
      type: VersionType,
      description: 'The new version.',
      resolve: ({ version }) => version,
    }),
    upload: t.field({
      type: UploadType,
      description: 'Where to send the archive (tar.gz, tar or zip).',
      resolve: ({ upload }) => upload,
    }),
  }),
})

mutation('deleteDeploymentVersion', {
  description: 'Deletes a version that nothing runs.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which: id or address.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ version: await deleteDeploymentVersion(ctx, input) }),
  again: async (ctx, id) => ({ version: await versions.changedBefore(ctx, id) }),
  success: (t) => ({
    deletedId: t.id({
      description: 'Canonical id of what is gone.',
      resolve: ({ version }) => VersionId.text(version.id),
    }),
    version: t.field({
      type: VersionType,
      description: 'The version as it last was.',
      resolve: ({ version }) => version,
    }),
  }),
})
