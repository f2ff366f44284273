"""Everything of the ABEJA SDK that Millrace offers, once through, as a user of it would write it.

Run by sdk.test.ts with the environment variables that `millrace token create --front abeja` prints. By hand it also runs
with older releases, from 1.0.10 on: what those cannot do is left out, or done without them.
"""

import base64
import io
import os
import tarfile
import time
from datetime import datetime, timedelta

import requests
from abeja.deployments import APIClient as Deployments
from abeja.exceptions import BadRequest, Forbidden, HttpError, NotFound, Unauthorized
from abeja.services import APIClient as Services

ORGANIZATION = os.environ['ABEJA_ORGANIZATION_ID']
OTHER = '9' * 13
UNKNOWN = {'deployment': '9876543210987', 'version': 'ver-0000000000000000', 'service': 'ser-0000000000000000'}
PICTURE = base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
)
HANDLER = b'''
import json
import os

def handler(request, context):
    body = request.read()
    if request.content_type == 'application/json':
        asked = json.loads(body)
        for line in asked.get('lines', []):
            print(line, flush=True)
        if 'status' in asked:
            return {'status_code': asked['status'], 'content_type': 'application/json', 'content': {'error': 'of the handler', 'error_description': 'said so'}}
        return {'content_type': 'application/json', 'content': {'sum': sum(asked.get('numbers', [])), 'env': os.environ.get('GREETING')}}
    return {'content_type': request.content_type, 'content': body, 'metadata': {'x-length': str(len(body))}}
'''

deployments = Deployments()
services = Services()


def request_service(organization, deployment, service, data=None, content_type=None, **body):
    """As users of releases before 2.0 called a service: by plain HTTP, with the address that is documented."""
    scheme, place = os.environ['ABEJA_API_URL'].split('://')
    url = f"{scheme}://{organization}.{place.split('/')[0]}/deployments/{deployment}/services/{service}"
    headers = services._connection._get_auth_header()
    if data is not None:
        headers['Content-Type'] = content_type or 'application/octet-stream'
    answer = requests.post(url, data=data, headers=headers, **body)
    if answer.status_code >= 400:
        kinds = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound}
        told = answer.json()
        raise kinds[answer.status_code](
            told['error'], told['error_description'], error_detail='', status_code=answer.status_code, url=url
        )
    return answer


is_old = not hasattr(services, 'request_service')
if is_old:
    services.request_service = request_service


def raises(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except HttpError as e:
        assert type(e) is error, (type(e), e.status_code, e.error_description)
        assert e.error and e.error_description, e.__dict__
        return e
    raise AssertionError(f'{call} raised nothing')


def archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as tar:
        info = tarfile.TarInfo('main.py')
        info.size = len(HANDLER)
        tar.addfile(info, io.BytesIO(HANDLER))
    return buffer.getvalue()


def wait(*ids, status):
    while True:
        found = services.get_service(*ids)
        if found['status'] == status:
            return found
        assert found['status'] != 'FAILED', found
        time.sleep(0.1)


# Deployments
made = deployments.create_deployment(ORGANIZATION, 'of the SDK', 'with words', default_environment={'A': '1'})
deployment = made['deployment_id']
assert len(deployment) == 13 and made['description'] == 'with words', made
assert made['default_environment'] == {'A': '1'} and made['services'] == [], made
assert deployments.get_deployment(ORGANIZATION, deployment) == made
assert made in deployments.get_deployments(ORGANIZATION)['entries']
assert deployments.patch_deployment(ORGANIZATION, deployment, 'renamed')['name'] == 'renamed'
raises(BadRequest, deployments.create_deployment, ORGANIZATION, '')
raises(NotFound, deployments.get_deployment, ORGANIZATION, UNKNOWN['deployment'])
raises(NotFound, deployments.patch_deployment, ORGANIZATION, UNKNOWN['deployment'], 'x')
raises(NotFound, deployments.delete_deployment, ORGANIZATION, UNKNOWN['deployment'])
raises(Forbidden, deployments.get_deployments, OTHER)
for credential in [{'auth_token': 'nobody'}, {}, {'user_id': '1', 'personal_access_token': 'x'}]:
    raises(Unauthorized, Deployments(credential=credential).get_deployments, ORGANIZATION)
token = os.environ['PLATFORM_AUTH_TOKEN']
for credential in [
    {'user_id': '1234567890123', 'personal_access_token': token},
    *([] if is_old else [{'datasource_id': '1234567890123', 'datasource_secret': token}]),
]:
    assert made['deployment_id'] in str(Deployments(credential=credential).get_deployments(ORGANIZATION))

# Versions
version = deployments.create_deployment_version(
    ORGANIZATION, deployment, version='1.0.0', handler='main:handler', image='abeja-inc/all-cpu:19.10',
    user_parameters={'P': 'x'},
)
response = requests.put(version['upload_url'], data=archive())
assert (response.status_code, response.content) == (200, b''), response.text
version.pop('upload_url')
assert deployments.get_deployment_version(ORGANIZATION, deployment, version['version_id'])['version'] == '1.0.0'
assert [one['version_id'] for one in deployments.get_deployment_versions(ORGANIZATION, deployment)['entries']] == [version['version_id']]
uri = deployments.download_deployment_version(ORGANIZATION, deployment, version['version_id'])['download_uri']
assert '?' in uri and tarfile.open(fileobj=io.BytesIO(requests.get(uri).content)).getnames() == ['main.py']
for call in (deployments.get_deployment_version, deployments.delete_deployment_version, deployments.download_deployment_version):
    raises(NotFound, call, ORGANIZATION, deployment, UNKNOWN['version'])
wanted = {'version': '1.0.0', 'handler': 'main:handler', 'image': 'x'}
raises(BadRequest, deployments.create_deployment_version, ORGANIZATION, deployment, **wanted)
raises(BadRequest, deployments.create_deployment_version, ORGANIZATION, UNKNOWN['deployment'], **wanted)
raises(BadRequest, deployments.create_deployment_from_template, ORGANIZATION, deployment, template_id=1, version='2', handler='main:handler', image='x')

# Services
raises(BadRequest, services.create_service, ORGANIZATION, deployment, UNKNOWN['version'])
raises(BadRequest, services.create_service, ORGANIZATION, deployment, version['version_id'], instance_number=0)
raises(BadRequest, services.create_service, ORGANIZATION, deployment, version['version_id'], model_id='1111111111111')
created = services.create_service(
    ORGANIZATION, deployment, version['version_id'], instance_number=1, min_instance_number=1,
    max_instance_number=2, enable_autoscale=False, environment={'GREETING': 'hello'},
)
assert created['status'] == 'IN_PROGRESS' and created['model_version_id'] == version['version_id'], created
assert created['user_env_vars'] == {'GREETING': 'hello'}, created
service = created['service_id']
ids = (ORGANIZATION, deployment, service)
ready = wait(*ids, status='READY')
assert ready in services.get_services(ORGANIZATION, deployment)['entries']
assert services.update_service(*ids) == ready  # without a payload
raises(NotFound, services.get_services, ORGANIZATION, UNKNOWN['deployment'])
raises(BadRequest, services.start_service, *ids)

# Inference
answer = services.request_service(*ids, json={'numbers': [1, 2, 3]})
assert answer.json() == {'sum': 6, 'env': 'hello'}, answer.text
assert answer.headers['x-abeja-service-id'] == service, answer.headers
answer = services.request_service(*ids, data=io.BytesIO(PICTURE), content_type='image/png')
assert answer.content == PICTURE and answer.headers['content-type'] == 'image/png'
parts = [bytes([n]) * 100_000 for n in range(10)]
answer = services.request_service(*ids, data=(part for part in parts))
assert answer.content == b''.join(parts) and answer.headers['x-length'] == '1000000'
assert answer.headers['content-type'] == 'application/octet-stream'
assert services.request_service(*ids, data=b'').status_code == 200
error = raises(BadRequest, services.request_service, *ids, json={'status': 400})
assert error.error_description == 'said so'
raises(NotFound, services.request_service, ORGANIZATION, deployment, UNKNOWN['service'], json={})
raises(NotFound, services.request_service, ORGANIZATION, UNKNOWN['deployment'], service, json={})
if not is_old:
    stranger = Services(credential={'auth_token': 'nobody'})
    raises(Unauthorized, stranger.request_service, *ids, json={})

# Logs
before = datetime.utcnow() - timedelta(seconds=5)
lines = [f'line {n}' for n in range(250)]
for start in range(0, 250, 50):
    services.request_service(*ids, json={'lines': lines[start:start + 50]})


def messages(page):
    return [one['message'] for one in page['events']]


while lines[-1] not in messages(services.get_service_recent_logs(*ids)):
    time.sleep(0.1)
page = newest = services.get_service_recent_logs(*ids)
assert messages(page) == lines[:-101:-1], messages(page)
read = []
while page['events']:
    read += messages(page)
    page = services.get_service_recent_logs(*ids, next_backward_token=page['next_backward_token'])
assert [one for one in reversed(read) if one.startswith('line ')] == lines
again = []
while True:
    page = services.get_service_recent_logs(*ids, next_forward_token=page['next_forward_token'])
    if not page['events']:
        break
    again += reversed(messages(page))
assert again == list(reversed(read))
forward = newest['next_forward_token']
assert services.get_service_recent_logs(*ids, next_forward_token=forward)['events'] == []
services.request_service(*ids, json={'lines': ['and one more']})
while not (page := services.get_service_recent_logs(*ids, next_forward_token=forward))['events']:
    time.sleep(0.1)
assert messages(page) == ['and one more']
later = datetime.utcnow() + timedelta(minutes=1)
in_time = services.get_service_recent_logs(*ids, start_time=before, end_time=later)
assert messages(in_time)[0] == 'and one more'
assert services.get_service_recent_logs(*ids, end_time=before - timedelta(days=1))['events'] == []
raises(BadRequest, services.get_service_recent_logs, *ids, next_forward_token='nonsense')
raises(NotFound, services.get_service_recent_logs, ORGANIZATION, deployment, UNKNOWN['service'])
raises(Forbidden, services.get_service_recent_logs, OTHER, deployment, service)

# Scale, stop, start
changed = services.update_service(*ids, payload={'instance_number': 2, 'enable_autoscale': 'false'})
assert (changed['status'], changed['instance_number']) == ('IN_PROGRESS', 2), changed
wait(*ids, status='READY')
raises(BadRequest, services.update_service, *ids, payload={'instance_number': 'many'})
assert services.stop_service(*ids) == {'message': f'{service} stopped'}
raises(BadRequest, services.stop_service, *ids)
assert services.get_service(*ids)['status'] == 'STOPPED'
raises(NotFound, services.request_service, *ids, json={})
assert messages(services.get_service_recent_logs(*ids, next_forward_token=forward))[-1] == 'and one more'
assert services.start_service(*ids) == {'message': f'{service} started'}
wait(*ids, status='READY')
assert services.request_service(*ids, json={'numbers': [4]}).json()['sum'] == 4

# Deletion
raises(BadRequest, deployments.delete_deployment, ORGANIZATION, deployment)
raises(BadRequest, deployments.delete_deployment_version, ORGANIZATION, deployment, version['version_id'])
assert services.delete_service(*ids) == {'message': f'{service} deleted'}
for call in (services.get_service, services.update_service, services.delete_service, services.stop_service, services.start_service, services.get_service_recent_logs):
    raises(NotFound, call, *ids)
assert deployments.delete_deployment_version(ORGANIZATION, deployment, version['version_id']) == {'message': f"{version['version_id']} deleted"}
assert deployments.delete_deployment(ORGANIZATION, deployment) == {'message': f'{deployment} deleted'}
print('all of it')
