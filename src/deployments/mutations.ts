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
  description: 'Creates a deployment. Requires the DEVELOPER role.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Name for people. It need not be unique.' }),
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Required when the caller is a member of several organizations.',
    }),
    handle: t.string({
      description:
        'Short name for URLs and commands, unique in the organization. Default: derived from the name.',
    }),
    description: t.string({ defaultValue: '', description: 'Description for people.' }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description: 'Environment variables of every service of the deployment. Default: none.',
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
    'Updates the given fields of a deployment; the others keep their values. Services receive a changed environment with their next restart or rollout. Requires the DEVELOPER role.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Deployment: ID, handle or address.' }),
    name: t.string({ description: 'Name for people. It need not be unique. Default: unchanged.' }),
    description: t.string({ description: 'Description for people. Default: unchanged.' }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description:
        'Environment variables to set or remove. Others keep their values. Default: none.',
    }),
    clearEnvironment: t.boolean({
      defaultValue: false,
      description: 'Whether to remove the variables that `environment` does not list.',
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
  success: asDeployment('The deployment after the change.'),
})

mutation('deleteDeployment', {
  description:
    'Deletes a deployment that has no services, with its versions and routes. Requires the DEVELOPER role.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Deployment: ID, handle or address.' }),
  }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ deployment: await deleteDeployment(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'ID of the deleted deployment.',
      resolve: ({ deployment }) => DeploymentId.text(deployment.id),
    }),
    ...asDeployment('The deleted deployment, in its last state.')(t),
  }),
})

mutation('createDeploymentVersion', {
  description:
    'Creates a version of a deployment. Send its archive to the returned upload; the server then checks it. Requires the DEVELOPER role.',
  input: (t) => ({
    deploymentId: t.id({ required: true, description: 'Deployment: ID, handle or address.' }),
    label: t.string({
      required: true,
      description: 'Label of the version, unique in the deployment, such as `1.0.0`.',
    }),
    image: t.string({
      description:
        'Image that runs the version: names that start with `node` run a Node.js module, all others run Python. Default: `python`.',
    }),
    handler: t.string({
      description: 'Module and function that handle requests. Default: `main:handler`.',
    }),
    command: t.string({
      description:
        'Shell command that starts a program listening on the port in $PORT. Cannot be combined with `handler`. Default: none.',
    }),
    parameters: t.field({
      type: [NameValueInput],
      description: 'Environment variables of this version. Default: none.',
    }),
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
      description: 'Upload to send the archive to, in the format tar.gz, tar or zip.',
      resolve: ({ upload }) => upload,
    }),
  }),
})

mutation('deleteDeploymentVersion', {
  description: 'Deletes a version that no service runs. Requires the DEVELOPER role.',
  input: (t) => ({ id: t.id({ required: true, description: 'Version: ID or address.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ version: await deleteDeploymentVersion(ctx, input) }),
  again: async (ctx, id) => ({ version: await versions.changedBefore(ctx, id) }),
  success: (t) => ({
    deletedId: t.id({
      description: 'ID of the deleted version.',
      resolve: ({ version }) => VersionId.text(version.id),
    }),
    version: t.field({
      type: VersionType,
      description: 'The deleted version, in its last state.',
      resolve: ({ version }) => version,
    }),
  }),
})
