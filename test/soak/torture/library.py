"""A worker made with python/millrace.py that does the same as worker.mjs and is started in the same way."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', '..', 'python'))

from millrace import run, worker


def note(**entry):
    line = json.dumps({**entry, 'worker': os.environ['NAME']}) + '\n'
    diary = os.open(os.environ['DIARY'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(diary, line.encode())
    os.close(diary)


@worker()
def work(job):
    note(what='claimed', jobId=job.id, attempt=job.attempt, fence=str(job.attempt))
    time.sleep(job.parameters['ms'] / 1000)
    if job.attempt <= job.parameters['fails']:
        raise RuntimeError('not yet')
    return {'n': job.parameters['n'], 'attempt': job.attempt}


urls = os.environ['URLS'].split(',')
run(
    url=urls[int(os.environ['PLACE']) % len(urls)],
    token=os.environ['TOKEN'],
    service=os.environ['SERVICE'],
    name=os.environ['NAME'],
    concurrency=int(os.environ['CONCURRENCY']) * 5,
    lease_seconds=int(os.environ['LEASE_SECONDS']),
)
