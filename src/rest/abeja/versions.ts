import {
  AbejaCreateVersionDocument,
  AbejaDeleteVersionDocument,
  AbejaDownloadDocument,
  AbejaMayWriteDeploymentDocument,
  AbejaVersionDocument,
  AbejaVersionsDocument,
  type AbejaVersionFragment,
} from '../../generated/operations/graphql.ts'
import { object, text } from '../document/about.ts'
import { listing } from '../listing.ts'
import { absent, done, Problem, wrong } from '../problem.ts'
import { json } from '../reply.ts'
import { route, type Asked } from '../route.ts'
import { about } from './about.ts'
import { creator } from './creator.ts'
import { Fields } from './fields.ts'
import { inDeployment } from './guards.ts'
import { deployment, DEPLOYMENT, organization, VERSION, version } from './ids.ts'
import { message, ref } from './schemas.ts'

function versionOf(found: AbejaVersionFragment, asked: Asked) {
  return {
    deployment_id: found.deployment.address,
    version: found.label,
    version_id: found.address,
    handler: found.handler,
    image: found.image,
    user_parameters: Object.fromEntries(found.parameters.map(({ name, value }) => [name, value])),
    creator: creator(found.creator, asked, found.createdAt),
    description: null,
    training_job_id: null,
    job_definition_id: null,
    job_definition_version: null,
    model_id: null,
    created_at: found.createdAt,
    modified_at: found.archive?.uploadedAt ?? found.createdAt,
  }
}

const gone = ({ params }: Asked) => absent(`There is no version "${params['version']}".`)
const tag = 'Deployment versions'
const failures = { 404: 'There is no such version.' }

/** Makings of a version that are not offered: whoever may make one is told so. */
const notOffered = (path: string, id: string, summary: string, field: string, why: string) =>
  route({
    method: 'POST',
    path: `${DEPLOYMENT}${path}`,
    about: about({
      id,
      summary,
      tag,
      body: { type: 'object' },
      answer: ref('Version'),
      failures: { 400: why },
    }),
    operation: AbejaMayWriteDeploymentDocument,
    guard: inDeployment,
    statuses: { NOT_FOUND: 400 },
    variables: (asked) => ({ organization: organization(asked), deployment: deployment(asked) }),
    reply() {
      throw wrong(field, why)
    },
  })

export const versionRoutes = [
  route({
    method: 'POST',
    path: `${DEPLOYMENT}/versions`,
    about: about({
      id: 'create_deployment_version',
      summary: 'Create a version and say where its archive goes',
      tag,
      body: ref('NewVersion'),
      answer: ref('VersionToUpload'),
      failures: {
        400: 'A parameter is missing or wrong, the label is taken, or there is no such deployment.',
      },
    }),
    operation: AbejaCreateVersionDocument,
    guard: inDeployment,
    // documented so: the deployment is one more parameter
    statuses: { NOT_FOUND: 400 },
    variables(asked) {
      const fields = new Fields(asked)
      const label = fields.required('version')
      const image = fields.required('image')
      const handler = fields.text('handler')
      const parameters = fields.variables('user_parameters')
      fields.check()
      return { input: { deploymentId: deployment(asked), label, image, handler, parameters } }
    },
    reply({ createDeploymentVersion }, asked) {
      const { version: made, upload } = done(createDeploymentVersion)
      // whoever may make a version may send its archive
      if (upload.url === null) throw new Problem('FORBIDDEN', 'This needs a greater role.')
      return json(200, { ...versionOf(made, asked), upload_url: upload.url })
    },
  }),
  listing({
    method: 'GET',
    path: `${DEPLOYMENT}/versions`,
    about: about({
      id: 'get_deployment_versions',
      summary: 'All versions of a deployment',
      tag,
      answer: ref('Versions'),
      failures: { 404: 'There is no such deployment.' },
    }),
    operation: AbejaVersionsDocument,
    variables: (asked) => ({ deployment: deployment(asked) }),
    connection({ deployment: found }) {
      if (found === null) throw absent('There is no such deployment.')
      return found.versions
    },
    item: versionOf,
    around: () => ['{"entries":[', ']}'],
  }),
  route({
    method: 'GET',
    path: VERSION,
    about: about({
      id: 'get_deployment_version',
      summary: 'A version',
      tag,
      answer: ref('Version'),
      failures,
    }),
    operation: AbejaVersionDocument,
    variables: (asked) => ({ version: version(asked) }),
    reply({ deploymentVersion: found }, asked) {
      if (found === null) throw gone(asked)
      return json(200, versionOf(found, asked))
    },
  }),
  route({
    method: 'DELETE',
    path: VERSION,
    about: about({
      id: 'delete_deployment_version',
      summary: 'Delete a version that no service runs',
      tag,
      answer: message,
      failures: { ...failures, 400: 'A service runs it.' },
    }),
    operation: AbejaDeleteVersionDocument,
    variables: (asked) => ({ input: { id: version(asked) } }),
    reply({ deleteDeploymentVersion }, { params }) {
      done(deleteDeploymentVersion)
      return json(200, { message: `${params['version']} deleted` })
    },
  }),
  route({
    method: 'GET',
    path: `${VERSION}/download`,
    about: about({
      id: 'download_deployment_version',
      summary: 'Where the archive can be fetched, for an hour',
      tag,
      answer: object({ download_uri: text('Fetched by a plain GET, without a credential.') }),
      failures: { 404: 'There is no such version, or nothing was uploaded to it.' },
    }),
    operation: AbejaDownloadDocument,
    variables: (asked) => ({ version: version(asked) }),
    reply({ deploymentVersion: found }, asked) {
      if (found === null) throw gone(asked)
      if (found.archive === null) throw absent('Nothing was uploaded to this version.')
      return json(200, { download_uri: found.archive.downloadUrl })
    },
  }),
  notOffered(
    '/code_templates',
    'create_deployment_from_template',
    'Create a version from a template: not offered',
    'template_id',
    'There is no such template: this server offers none.',
  ),
  notOffered(
    '/git/versions',
    'create_deployment_version_from_git',
    'Create a version from a repository: not offered',
    'git_url',
    'Versions from a repository are not offered: upload an archive.',
  ),
]
