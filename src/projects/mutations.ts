import { z } from 'zod'
import { annotationField, namingFields } from '../addresses/index.ts'
import type { Context } from '../context.ts'
import { mutation, shows } from '../graph/mutation.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import { handleRule, nameRule } from '../kit/names.ts'
import { ProjectId } from '../organizations/index.ts'
import { createProject, deleteProject, updateProject } from './actions.ts'
import { projects } from './project.ts'
import { ProjectType } from './types.ts'

const again = async (ctx: Context, id: string) => ({
  project: await projects.changedBefore(ctx, id),
})
const asProject = shows('project', ProjectType)

mutation('createProject', {
  description: 'Creates a project. Requires the DEVELOPER role.',
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
    ...namingFields(t),
  }),
  check: z.object({ name: nameRule, handle: handleRule.nullish() }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ project: await createProject(ctx, input) }),
  again,
  success: asProject('The new project.'),
})

mutation('updateProject', {
  description: 'Renames a project. Its handle does not change. Requires the DEVELOPER role.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Project: ID, handle or address.' }),
    name: t.string({ description: 'Name for people. It need not be unique. Default: unchanged.' }),
    ...annotationField(t),
  }),
  check: z.object({ name: nameRule.nullish() }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ project: await updateProject(ctx, input) }),
  again,
  success: asProject('The project after the change.'),
})

mutation('deleteProject', {
  description:
    'Deletes a project and revokes the tokens that are confined to it. The project `default` cannot be deleted. Requires the DEVELOPER role.',
  input: (t) => ({ id: t.id({ required: true, description: 'Project: ID, handle or address.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ project: await deleteProject(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'ID of the deleted project.',
      resolve: ({ project }) => ProjectId.text(project.id),
    }),
    ...asProject('The deleted project, in its last state.')(t),
  }),
})
