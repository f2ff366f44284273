"""A worker for the jobs of a queue service of Millrace (docs/workers-python.md).

    from millrace import run, worker

    @worker('train')
    def train(job):
        for epoch in range(job.parameters['epochs']):
            job.check()                                  # raises Cancelled if somebody has cancelled the job
            job.progress((epoch + 1) / job.parameters['epochs'], 'epoch %d' % epoch)
            print('epoch', epoch)                        # a line in the log of the job
        return {'accuracy': 0.93}

    run(url='http://127.0.0.1:4000', token='...', service='trainer')

Functions run in threads. The main thread waits for signals, one thread extends the leases, another claims jobs, and
each job has a thread that sends its log. Every call to the server can be repeated, because a claim is identified by its
ID, a report by its fence and a log line by its number. So the worker repeats every call that gets no response.

Requires Python 3.8 or later and only the standard library. It is one file, so that it can be read, copied and run alone.
"""

import argparse
import base64
import codecs
import collections
import contextlib
import faulthandler
import functools
import http.client
import importlib
import json
import logging
import math
import numbers
import os
import platform
import queue
import random
import re
import select
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from urllib.parse import unquote, urlsplit

__all__ = ['Away', 'Cancelled', 'Job', 'NonRetryable', 'Refused', 'get', 'run', 'submit', 'worker']

__version__ = '0.2.0'

VERSION = 'millrace.py %s, Python %s' % (__version__, platform.python_version())
CLAIM_WAIT_SECONDS = 20
MAX_CLAIM = 100
MAX_BEAT_SECONDS = 5  # so that a cancelled job hears of it soon, however long its lease
BEAT_GAP_SECONDS = 0.5
ANSWER_SECONDS = 30
LAST_SECONDS = 5  # for the last calls before the process ends
MAX_PAUSE_SECONDS = 5
MAX_RETRY_AFTER_SECONDS = 30  # whatever the server asks for, or a proxy: an outage may be over sooner
MAX_FAULTS = 10
MAX_BUFFER_LINES, MAX_BUFFER_CHARS = 10_000, 2_000_000
BATCH_LINES, BATCH_CHARS = 1_000, 100_000  # below the server's 1 MiB for a request, whatever the characters
MAX_LINE_CHARS = 50_000
GATHER_SECONDS = 0.05
SHOW_SECONDS = 1  # how often a line that is not ended is told, at most
PIPE_BYTES = 1_048_576  # the most an ordinary user of Linux may have
F_SETPIPE_SZ = 1031  # as in fcntl.h
C_LINE_BUFFERED = 1  # _IOLBF of stdio.h
READ_BYTES = 65_536
MAX_TEXT_CHARS = 10_000
MAX_TRACE_CHARS = 20_000
MAX_NESTING = 100


class Cancelled(Exception):
    """Raised by job.check(): somebody has cancelled the job, or it is no longer this worker's."""


class NonRetryable(Exception):
    """Raise this for a failure that another attempt cannot correct."""


class Refused(Exception):
    """The server has refused the call."""

    def __init__(self, code, message, issues=()):
        wrong = ['%s: %s' % ('.'.join(issue['path']), issue['message']) for issue in issues]
        super().__init__(in_own_words('; '.join(wrong) or message))
        self.code = code


def in_own_words(message):
    """What the server says of organizations, with what a worker calls them."""
    message = re.sub('^The user name (".*") is none of your organizations: .*', ORGANIZATION, message, flags=re.S)
    return message.replace('say which organization is meant:', 'say which organization is meant (--organization, MILLRACE_ORGANIZATION):')


ORGANIZATION = r'The organization \1 (--organization, MILLRACE_ORGANIZATION) is not one of your organizations. Use the handle of one of them.'


class Away(Exception):
    """No answer, or one that says to come again later. `is_fault`: the server answered that it could not do it."""

    def __init__(self, message, retry_after=0, is_fault=False):
        super().__init__(message)
        self.retry_after = retry_after
        self.is_fault = is_fault


# ---------------------------------------------------------------- the API


class Operation:
    def __init__(self, field, document):
        self.field, self.document = field, document


# Whole texts, so that a server that runs only documents it knows can read them from this file.
CLAIM = Operation('claimJobs', """mutation WorkerClaimJobs($input: ClaimJobsInput!) {
  claimJobs(input: $input) {
    __typename
    ... on ClaimJobsSuccess { leases { attempt fence job { id function parameters } } }
    ...WorkerProblem
    ... on Unavailable { retryAfterSeconds }
  }
}
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
HEARTBEAT = Operation('heartbeatJobs', """mutation WorkerHeartbeatJobs($input: HeartbeatJobsInput!) {
  heartbeatJobs(input: $input) {
    __typename
    ... on HeartbeatJobsSuccess { heartbeats { isHeld cancelRequested } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
COMPLETE = Operation('completeJob', """mutation WorkerCompleteJob($input: CompleteJobInput!) {
  completeJob(input: $input) {
    __typename
    ... on CompleteJobSuccess { job { id } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
FAIL = Operation('failJob', """mutation WorkerFailJob($input: FailJobInput!) {
  failJob(input: $input) {
    __typename
    ... on FailJobSuccess { job { id } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
RELEASE = Operation('releaseJobs', """mutation WorkerReleaseJobs($input: ReleaseJobsInput!) {
  releaseJobs(input: $input) {
    __typename
    ... on ReleaseJobsSuccess { jobs { id } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
APPEND = Operation('appendJobLog', """mutation WorkerAppendJobLog($input: AppendJobLogInput!) {
  appendJobLog(input: $input) {
    __typename
    ... on AppendJobLogSuccess { nextLine }
    ...WorkerProblem
  }
}
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
SUBMIT = Operation('submitJob', """mutation WorkerSubmitJob($input: SubmitJobInput!) {
  submitJob(input: $input) {
    __typename
    ... on SubmitJobSuccess { job { ...WorkerJob } }
    ...WorkerProblem
    ... on Unavailable { retryAfterSeconds }
  }
}
fragment WorkerJob on Job { id status function parameters result attempt error { kind message detail } }
fragment WorkerProblem on UserError { code message ... on ValidationError { issues { path message } } }""")
GET = """query WorkerGetJob($id: ID!) { job(id: $id) { ...WorkerJob } }
fragment WorkerJob on Job { id status function parameters result attempt error { kind message detail } }"""

COME_AGAIN = {'INTERNAL', 'TIMEOUT', 'UNAVAILABLE'}


class Client:
    """Sends operations, each over a connection of its own while it lasts; connections stay open for the next ones."""

    def __init__(self, url, token, organization=None):
        parts = urlsplit(url)
        if parts.scheme not in ('http', 'https') or not parts.hostname:
            raise ValueError('url is %r, not an address such as http://127.0.0.1:4000' % without_secret(url))
        secure = parts.scheme == 'https'
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connect = functools.partial(kind, parts.hostname, parts.port)
        self._server = '%s://%s' % (parts.scheme, parts.netloc.rpartition('@')[2])
        self._path = parts.path.rstrip('/') + '/graphql'
        self._headers = {'Content-Type': 'application/json', 'Accept': 'application/json'}
        if organization:  # the user name of Basic says in which one to act
            named = ('%s:%s' % (organization, token or '')).encode()
            self._headers['Authorization'] = 'Basic ' + base64.b64encode(named).decode()
        elif token:
            self._headers['Authorization'] = 'Bearer ' + token
        self._idle = collections.deque()
        self._busy = set()
        self._process = os.getpid()

    def call(self, operation, variables, seconds=ANSWER_SECONDS):
        """The success of a mutation; raises Refused and Away."""
        data = self.ask(operation.document, {'input': variables}, seconds)
        outcome = data[operation.field]
        if outcome['__typename'].endswith('Success'):
            return outcome
        retry_after = outcome.get('retryAfterSeconds')
        if outcome['code'] == 'UNAVAILABLE' or retry_after is not None:
            raise Away(outcome['message'], retry_after or 0)
        raise Refused(outcome['code'], outcome['message'], outcome.get('issues', ()))

    def ask(self, document, variables, seconds=ANSWER_SECONDS):
        """The data of an operation; raises Refused and Away."""
        body = {'query': document, 'variables': variables}
        status, retry_after, content = self._post(json_bytes(body), seconds)
        data, code, message = read_answer(content)
        if code is None and data is None:  # such as of a proxy whose server is away
            raise Away("%s answered %d, and it was not Millrace" % (self._server, status), retry_after)
        if code is None:
            return data
        if status == 429 or status >= 500 or code in COME_AGAIN:
            raise Away('%s: %s' % (self._server, message), retry_after, is_fault=code == 'INTERNAL')
        raise Refused(code, message)

    def abort(self):
        """Ends what is under way; it raises Away."""
        for connection in list(self._busy):
            connection.is_aborted = True
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except (AttributeError, OSError):
                pass  # not connected yet, or no more

    def _post(self, body, seconds):
        while True:
            connection, is_new = self._connection(seconds)
            self._busy.add(connection)
            try:
                connection.request('POST', self._path, body, self._headers)
                response = connection.getresponse()
                content = response.read()
                retry_after = response.getheader('Retry-After', '')
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if not (is_new or connection.is_aborted or isinstance(error, socket.timeout)):
                    continue  # one that was idle for too long; any operation here may be sent again
                reason = 'no answer in time' if isinstance(error, socket.timeout) else str(error) or repr(error)
                raise Away('%s cannot be reached: %s' % (self._server, reason)) from error
            finally:
                self._busy.discard(connection)
            if connection.sock is not None:
                self._idle.append(connection)
            return response.status, min(int(retry_after), MAX_RETRY_AFTER_SECONDS) if retry_after.isdigit() else 0, content

    def _connection(self, seconds):
        if self._process != os.getpid():  # a fork must not share connections with its parent
            self._process, self._idle, self._busy = os.getpid(), collections.deque(), set()
        try:
            connection, is_new = self._idle.pop(), False
            connection.sock.settimeout(seconds)
        except IndexError:
            connection, is_new = self._connect(timeout=seconds), True
        connection.timeout = seconds
        connection.is_aborted = False
        return connection, is_new


def read_answer(content):
    """What a GraphQL server has answered: its data, or code and message of its first error; None for what there is not."""
    try:
        answer = json.loads(content)
        error = (answer.get('errors') or [None])[0]
        if error is None:
            return dict(answer['data']), None, None
        return None, error['extensions']['code'], error['message']
    except (ValueError, AttributeError, KeyError, TypeError):
        return None, None, None


def json_bytes(value):
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode('utf-8')
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(value, allow_nan=False).encode('ascii')


def plain(value, path, depth=0):
    """The value in what JSON has: arrays and numbers of numpy and the like become lists and numbers.

    Whole numbers are sent with all their digits, which the server keeps. Raises TypeError and ValueError, naming the
    place, for what JSON has no word for.
    """
    if depth > MAX_NESTING:
        raise ValueError('%s is nested more than %d deep' % (path[:200], MAX_NESTING))
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError('%s is %s, which JSON has no word for: give None or a text' % (path, value))
        return float(value)
    if isinstance(value, dict):
        return {key_text(key, path): plain(one, '%s.%s' % (path, key), depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one, '%s.%d' % (path, place), depth + 1) for place, one in enumerate(value)]
    found = value.tolist() if hasattr(value, 'tolist') else value
    if type(found) is not type(value):
        return plain(found, path, depth + 1)
    if found is not value and isinstance(value, numbers.Real):  # longdouble is a list of itself
        return plain(float(value), path, depth + 1)
    raise TypeError('%s is a %s, which JSON cannot hold' % (path, type(value).__name__))


def key_text(key, path):
    if isinstance(key, str):
        return key
    if hasattr(key, 'tolist'):
        key = key.tolist()
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise TypeError('%s has a %s for a key, which JSON cannot hold' % (path, type(key).__name__))


def storable(text, most=MAX_TEXT_CHARS):
    """A text without what the server cannot keep."""
    text = str(text).replace('\0', '\\x00')
    text = text.encode('utf-8', 'replace').decode('utf-8')
    return text if len(text) <= most else text[: most - 2] + ' …'


def without_secret(url):
    return re.sub('//[^/]*@', '//', url)


def pauses():
    """Longer and longer, and never the same for all workers."""
    pause = 0.1
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(pause * 2, MAX_PAUSE_SECONDS)


# ---------------------------------------------------------------- for scripts


@functools.lru_cache(maxsize=16)
def client_of(url, token, organization):
    return Client(url, token, organization)


def settings(url, token, organization=None):
    """Organization and token may stand in the URL too, as user name and password."""
    url = url or os.environ.get('MILLRACE_URL') or 'http://127.0.0.1:4000'
    parts = urlsplit(url)
    return (url, token or os.environ.get('MILLRACE_TOKEN') or unquote(parts.password or ''),
            organization or os.environ.get('MILLRACE_ORGANIZATION') or unquote(parts.username or ''))


def submit(service, function='default', parameters=None, wait_seconds=0, url=None, token=None, **more):
    """Puts a job into a queue, once, however often it must be sent; a dict with its id, status, result and error.

    With `wait_seconds` (at most 30) it is answered when the job has ended, or the time is over. `more` are further
    fields of the API's SubmitJobInput, such as maxAttempts=3. Raises Refused, and Away after half a minute without
    an answer.
    """
    wanted = {'serviceId': service, 'function': function, 'parameters': plain(parameters, 'parameters')}
    wanted.update(more, waitSeconds=wait_seconds)
    wanted.setdefault('idempotencyKey', str(uuid.uuid4()))
    client = client_of(*settings(url, token))
    return patiently(lambda: client.call(SUBMIT, wanted, wait_seconds + ANSWER_SECONDS))['job']


def get(job_id, url=None, token=None):
    """A job as it is now, as `submit` answers it; None where there is none."""
    client = client_of(*settings(url, token))
    return patiently(lambda: client.ask(GET, {'id': job_id}))['job']


def patiently(send):
    until = time.monotonic() + ANSWER_SECONDS
    for pause in pauses():
        try:
            return send()
        except Away as away:
            if time.monotonic() > until:
                raise
            time.sleep(max(pause, away.retry_after))


# ---------------------------------------------------------------- the job, as its function sees it


class Lines:
    """The log of one attempt on its way to the server, numbered from 1, sent in order by a thread of its own.

    The buffer is bounded: whoever writes faster than the server takes lines waits. `send(first, lines, unfinished)`
    answers how many of the lines were taken, or None when no more is wanted; `unfinished` are places of those that the
    next one replaces.
    """

    def __init__(self, send):
        self._send = send
        self._moved = threading.Condition()
        self._waiting = collections.deque()
        self._chars = 0
        self._next = 1
        self._decoders = {}
        self._open_ends = {}
        self._due = {}  # when the open end of a stream is told next
        self._shown = {}  # what was told of it
        self._is_asleep = False
        self._thread = None
        self._is_closed = False

    def write(self, stream, text):
        """Text of a stream, or bytes: whole lines are added, the rest waits for its end."""
        with self._moved:
            if not isinstance(text, str):
                text = self._decoder(stream).decode(text)
            before = self._open_ends.pop(stream, '')
            *lines, end = (before + text).split('\n')
            for line in lines:
                self._add(last_drawn(line))
            end, is_returned = last_drawn(end), end.endswith('\r')
            while len(end) > MAX_LINE_CHARS:
                self._add(end[:MAX_LINE_CHARS])
                end = end[MAX_LINE_CHARS:]
            end += '\r' * is_returned  # it may be the end of the line, or what follows drawn over it
            end += self._open_ends.get(stream, '')  # of a thread that wrote while this waited
            if end:
                self._leave_open(stream, end, is_new=bool(lines) or not before)

    def add(self, text):
        with self._moved:
            for line in re.sub(r'\r?\n\Z', '', text).split('\n'):
                self._add(last_drawn(line))

    def _decoder(self, stream):
        if stream not in self._decoders:
            self._decoders[stream] = codecs.getincrementaldecoder('utf-8')('replace')
        return self._decoders[stream]

    def _leave_open(self, stream, end, is_new):
        self._open_ends[stream] = end
        if is_new:
            self._due[stream], self._shown[stream] = time.monotonic() + SHOW_SECONDS, ''
            self._start()
            if self._is_asleep:
                self._moved.notify_all()

    def _show(self):
        """Tells what open ends look like, those that are due and have changed."""
        now = time.monotonic()
        for stream, end in self._open_ends.items():
            drawn = last_drawn(end)
            if now >= self._due[stream] and drawn != self._shown[stream] and not self._is_full():
                self._due[stream], self._shown[stream] = now + SHOW_SECONDS, drawn
                self._put(sendable(drawn), True)

    def _add(self, line):
        line = sendable(line)
        for start in range(0, len(line) or 1, MAX_LINE_CHARS):
            self._moved.wait_for(lambda: self._is_closed or not self._is_full())
            if self._is_closed:
                return
            self._put(line[start : start + MAX_LINE_CHARS])

    def _put(self, line, is_unfinished=False):
        self._waiting.append((line, is_unfinished))
        self._chars += len(line)
        self._moved.notify_all()
        self._start()

    def _start(self):
        if self._thread is None:
            self._thread = threading.Thread(target=self._pump, name='millrace-log', daemon=True)
            self._thread.start()

    def _is_full(self):
        return len(self._waiting) >= MAX_BUFFER_LINES or self._chars >= MAX_BUFFER_CHARS

    def close(self, seconds=None):
        """Takes no more, and returns when all is sent, or when the time is over."""
        with self._moved:
            for stream, decoder in self._decoders.items():
                self._open_ends[stream] = self._open_ends.get(stream, '') + decoder.decode(b'', True)
            for end in self._open_ends.values():
                if end:
                    self._put(sendable(last_drawn(end)))
            self._open_ends, self._decoders = {}, {}
            self._is_closed = True
            self._moved.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def drop(self):
        """Takes no more, and forgets what is not sent."""
        with self._moved:
            self._is_closed = True
            self._open_ends = {}
            self._waiting.clear()
            self._moved.notify_all()

    def _batch(self):
        with self._moved:
            self._show()
            while not (self._waiting or self._is_closed):
                self._is_asleep = not self._open_ends
                due = [self._due[stream] for stream in self._open_ends]
                self._moved.wait(max(0.01, min(due) - time.monotonic()) if due else None)
                self._show()
            # a moment for more to come
            self._moved.wait_for(lambda: self._is_closed or len(self._waiting) >= BATCH_LINES, GATHER_SECONDS)
            batch, chars = [], 0
            for line, is_unfinished in self._waiting:
                chars += len(line)
                if batch and (chars > BATCH_CHARS or len(batch) == BATCH_LINES):
                    break
                batch.append((line, is_unfinished))
            return batch

    def _pump(self):
        while True:
            batch = self._batch()
            if not batch:
                return
            unfinished = [place for place, (_, is_unfinished) in enumerate(batch) if is_unfinished]
            taken = self._send(self._next, [line for line, _ in batch], unfinished)
            if taken is None:
                return self.drop()
            with self._moved:
                for _ in range(min(len(batch), len(self._waiting))):
                    self._chars -= len(self._waiting.popleft()[0])
                self._next += taken
                self._moved.notify_all()


def last_drawn(line):
    """What a terminal shows of a line that is drawn over itself, as progress bars are."""
    line = line.rstrip('\r')
    return line[line.rfind('\r') + 1 :]


def sendable(line):
    return line.encode('utf-8', 'replace').decode('utf-8')


class Job:
    """One attempt at a job. `id`, `function`, `parameters` and `attempt` (1, 2, 3 …) are as the API has them.

    `cancelled` is a threading.Event: set when somebody has cancelled the job, and when it is no longer this worker's.
    """

    def __init__(self, lease, send_lines, wake, catch_up):
        self.id = lease['job']['id']
        self.function = lease['job']['function']
        self.parameters = lease['job']['parameters']
        self.attempt = lease['attempt']
        self.cancelled = threading.Event()
        self._held = {'jobId': self.id, 'fence': lease['fence']}
        self._lines = Lines(functools.partial(send_lines, self))
        self._wake = wake
        self._catch_up = catch_up
        self._lock = threading.Lock()
        self._news = {}
        self._is_reporting = self._is_lost = False

    def log(self, text):
        """Adds to the log of the job, from any thread; waits while more is unsent than the worker keeps."""
        self._catch_up()
        self._lines.add(str(text))

    def progress(self, fraction=None, message=None):
        """Tells how far it is, from 0 to 1 and in words. Does not wait; of many in a moment the last is told."""
        news = {}
        if fraction is not None:
            news['fraction'] = min(max(plain(float(fraction), 'fraction'), 0.0), 1.0)
        if message is not None:
            news['message'] = storable(message)
        with self._lock:
            self._news.update(news)
        self._wake()

    def check(self):
        """Raises Cancelled when the work is no longer wanted."""
        if self.cancelled.is_set():
            raise Cancelled('the job %s was cancelled' % self.id)

    def _take_news(self):
        with self._lock:
            news, self._news = self._news, {}
            return news

    def _put_back(self, news):
        with self._lock:
            self._news = {**news, **self._news}

    def _lose(self):
        self._is_lost = True
        self.cancelled.set()
        self._lines.drop()


handlers = {}


def worker(function=None):
    """Registers the decorated function for jobs of this function name; without one, for all that have no other."""

    def register(handler):
        handlers[function] = handler
        return handler

    if callable(function):
        handlers[None] = function
        return function
    return register


# ---------------------------------------------------------------- what a function prints


class Capture:
    """A stream whose text goes into the log of the job that writes it, and to the old stream when none does."""

    def __init__(self, name, original, worker):
        self._name, self._original, self._worker = name, original, worker
        self._process = os.getpid()
        self.buffer = BinaryCapture(self)

    def write(self, text):
        is_fork = self._process != os.getpid()
        job = None if is_fork else self._worker.job_here()
        if job is not None:
            if text != '\n':
                self._worker.descriptors.catch_up()
            job._lines.write(self._name, text)
            return len(text)
        stream = self._original if isinstance(text, str) else self._original.buffer
        count = stream.write(text)
        if is_fork:  # it may end without a word
            stream.flush()
        return count

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def isatty(self):
        return False

    def close(self):
        self.flush()  # the descriptor is everybody's

    def __getattr__(self, name):
        return getattr(self._original, name)


class BinaryCapture:
    """The same for bytes."""

    def __init__(self, capture):
        self._capture = capture

    def write(self, data):
        return self._capture.write(bytes(data))

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def close(self):
        self._capture.flush()

    def __getattr__(self, name):
        return getattr(self._capture._original.buffer, name)


class Descriptors:
    """While it is open, the descriptors 1 and 2 are pipes: what children, C code and os.write() print comes here.

    It goes into the log of the job that runs, and where it went before while none does, or several. A thread of its own
    reads it; whoever needs what was written so far to be in its place calls `catch_up`. A daemon that still holds a pipe
    when this is closed goes on to write where it went before. `console` is a stream to there.
    """

    def __init__(self, job_alone):
        self._job_alone = job_alone
        self._lock = threading.RLock()
        self._old = {}  # what 1 and 2 were
        self._readers = {}  # which of them a pipe is read for
        self._process = os.getpid()
        self._flushes = []
        self._had_traces = faulthandler.is_enabled()
        self.console = sys.stderr

    def open(self):
        if not hasattr(select, 'poll'):
            return  # Windows
        try:
            self._old = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        except OSError:
            return  # one of them is closed
        self._flushes = [stream.flush for stream in (sys.stdout, sys.stderr) if stream] + [flush_of_c()]
        self._flush()
        for descriptor in self._old:
            reader, writer = wide_pipe()
            os.dup2(writer, descriptor)
            os.close(writer)
            self._readers[reader] = descriptor
        self.console = open(self._old[2], 'w', encoding='utf-8', errors='backslashreplace', closefd=False)
        faulthandler.enable(self._old[2])  # nobody would read the pipe any more
        if hasattr(os, 'register_at_fork'):
            os.register_at_fork(after_in_child=self._forget)
        threading.Thread(target=self._pump, name='millrace-output', daemon=True).start()

    def close(self):
        if self._old:
            self.finish()
            for descriptor, old in self._old.items():
                os.dup2(old, descriptor)
            self.console = sys.stderr
            faulthandler.disable()
            if self._had_traces and sys.stderr:
                faulthandler.enable()

    def catch_up(self):
        """Returns when what was written so far is where it belongs."""
        if self._process != os.getpid():
            return
        with self._lock:
            for _ in range(PIPE_BYTES // READ_BYTES + 1):
                ready = self._ready(0)
                if not ready:
                    return
                for reader in ready:
                    self._read(reader)

    def finish(self):
        """The same, for what this process still has in buffers too."""
        self._flush()
        self.catch_up()

    def _flush(self):
        for flush in self._flushes:
            with contextlib.suppress(AttributeError, OSError, ValueError):
                flush()

    def _forget(self):
        if self._process != os.getpid():
            for reader in self._readers:
                os.close(reader)
            self._readers = {}

    def _pump(self):
        while self._readers:
            if self._ready(None):
                self.catch_up()
        for old in self._old.values():
            os.close(old)

    def _ready(self, milliseconds):
        poll = select.poll()
        for reader in list(self._readers):
            poll.register(reader, select.POLLIN)
        return [reader for reader, _ in poll.poll(milliseconds) if reader in self._readers]

    def _read(self, reader):
        data = os.read(reader, READ_BYTES)
        if not data:  # nobody holds it any more
            os.close(reader)
            del self._readers[reader]
            return
        job = self._job_alone()
        if job is not None:
            job._lines.write(self._readers[reader], data)
        else:
            write_all(self._old[self._readers[reader]], data)


def wide_pipe():
    """A pipe that takes much before a writer waits: C code may print while it keeps the lock that its reader needs."""
    reader, writer = os.pipe()
    if sys.platform == 'linux':
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(writer, F_SETPIPE_SZ, PIPE_BYTES)
    return reader, writer


def flush_of_c():
    """Makes `stdout` of C print line by line, and answers what flushes it."""
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        stdout = ctypes.c_void_p.in_dll(libc, '__stdoutp' if sys.platform == 'darwin' else 'stdout')
        libc.setvbuf(stdout, None, C_LINE_BUFFERED, ctypes.c_size_t(0))
        return functools.partial(libc.fflush, stdout)
    except (AttributeError, ImportError, OSError, TypeError, ValueError):
        return lambda: None  # a build without it


def write_all(descriptor, data):
    with contextlib.suppress(OSError):  # nobody is there to read it
        while data:
            data = data[os.write(descriptor, data) :]


class Captured:
    """While it is open, standard output, standard error and `logging` are captured for a worker's jobs."""

    def __init__(self, worker):
        self._worker = worker

    def __enter__(self):
        if not logging.root.handlers:
            logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s: %(message)s')
        self._worker.descriptors.open()
        self._streams = {name: getattr(sys, name) for name in ('stdout', 'stderr')}
        for name, original in self._streams.items():
            self._replace(name, original, Capture(name, original, self._worker))

    def __exit__(self, *_):
        for name, original in self._streams.items():
            self._replace(name, getattr(sys, name), original)
        self._worker.descriptors.close()

    def _replace(self, name, old, new):
        setattr(sys, name, new)
        loggers = [logging.root] + list(logging.root.manager.loggerDict.values())
        for logger in loggers:
            for handler in getattr(logger, 'handlers', ()):
                if isinstance(handler, logging.StreamHandler) and handler.stream is old:
                    handler.setStream(new)


# ---------------------------------------------------------------- the worker


def visible(text):
    """What others wrote, with its control characters spelled out: it must not drive the terminal it is shown on."""
    return CONTROLS.sub(lambda found: found.group().encode('unicode_escape').decode('ascii'), text)


# but for line ends and tabs; the last ones end lines, or turn the direction of text around
CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]')


class Worker:
    def __init__(self, url, token, organization, services, concurrency, name, lease_seconds, grace_seconds):
        self.client = Client(url, token, organization)
        self.claims = Client(url, token, organization)  # of its own, whose call can be ended
        self.services, self.name = services, name
        self.concurrency, self.lease_seconds, self.grace_seconds = concurrency, lease_seconds, grace_seconds
        self.jobs = {}
        self.moved = threading.Condition()  # guards `jobs`
        self.mail = queue.SimpleQueue()  # to the main thread: the one thing a signal handler may touch
        self.stopping = threading.Event()  # no more claims
        self.quitting = threading.Event()  # no more patience
        self.wake = threading.Event()
        self.here = threading.local()
        self.is_waiting = False
        self.is_troubled = False
        self.tells_unfinished = True
        self.descriptors = Descriptors(self.job_alone)

    def note(self, text):
        try:
            console = self.descriptors.console
            console.write('millrace: %s\n' % visible(text))
            console.flush()
        except (AttributeError, OSError, ValueError):
            pass  # nobody is there to read it

    def job_here(self):
        """The job whose function is running in this thread, or the only one that runs."""
        job = getattr(self.here, 'job', None) or self.job_alone()
        return None if job is None or job._is_reporting or job._is_lost else job

    def job_alone(self):
        running = [job for job in list(self.jobs.values()) if not job._is_reporting]
        return running[0] if len(running) == 1 and not running[0]._is_lost else None

    # -- calls

    def call(self, client, operation, variables, seconds=ANSWER_SECONDS):
        try:
            answer = client.call(operation, variables, seconds)
        except Away as away:
            if not (self.is_troubled or self.stopping.is_set()):
                self.note('%s; trying again' % away)
                self.is_troubled = True
            raise
        if self.is_troubled:
            self.note('the server answers again')
            self.is_troubled = False
        return answer

    def insist(self, operation, variables):
        """Sends until there is an answer. Raises Away when the worker quits, and when the server fails at it again and again."""
        faults = 0
        for pause in pauses():
            try:
                return self.call(self.client, operation, variables)
            except Away as away:
                faults += away.is_fault
                if self.quitting.is_set() or faults == MAX_FAULTS:
                    raise
                self.quitting.wait(max(pause, away.retry_after))

    # -- claiming

    def claim(self):
        try:
            self.claim_on()
        except Exception as error:  # a refusal, or a fault of this file: without claims the worker is of no use
            self.mail.put(error)

    def claim_on(self):
        unanswered = None
        pause = pauses()
        while True:
            with self.moved:
                self.moved.wait_for(lambda: self.stopping.is_set() or len(self.jobs) < self.concurrency)
                free = min(self.concurrency - len(self.jobs), MAX_CLAIM)
            if self.stopping.is_set():
                break
            claim = unanswered or {'claimId': str(uuid.uuid4()), 'max': free}
            unanswered = claim
            try:
                leases = self.ask_for_jobs(claim, CLAIM_WAIT_SECONDS)
            except Away as away:
                self.stopping.wait(max(next(pause), away.retry_after))
                continue
            unanswered, pause = None, pauses()
            for lease in leases:
                self.begin(lease)
        if unanswered is not None:  # it may have been given jobs
            try:
                leases = self.ask_for_jobs(unanswered, 0)
                self.release([held_by(lease) for lease in leases])
            except (Away, Refused) as error:
                self.note('could not ask once more for the last claim: %s' % error)

    def ask_for_jobs(self, claim, wait_seconds):
        wanted = dict(claim, serviceIds=self.services, worker=self.name, version=VERSION, concurrency=self.concurrency)
        wanted.update(leaseSeconds=self.lease_seconds, waitSeconds=wait_seconds)
        self.is_waiting = wait_seconds > 0
        try:
            return self.call(self.claims, CLAIM, wanted, wait_seconds + LAST_SECONDS)['leases']
        finally:
            self.is_waiting = False

    def begin(self, lease):
        job = Job(lease, self.send_lines, self.wake.set, self.descriptors.catch_up)
        with self.moved:
            self.jobs[job.id] = job
        threading.Thread(target=self.work, args=(job,), name='millrace-job', daemon=True).start()

    # -- holding

    def hold(self):
        beat_seconds = min(self.lease_seconds / 3, MAX_BEAT_SECONDS)
        while True:
            self.wake.wait(beat_seconds)
            self.wake.clear()
            try:
                self.beat(list(self.jobs.values()))
            except Away:
                self.wake.set()  # sooner than the next beat
            except Refused as refusal:
                self.note('a heartbeat was refused: %s' % refusal)
            except Exception:
                self.note(traceback.format_exc())  # whatever happens, leases must be held
            time.sleep(min(BEAT_GAP_SECONDS, beat_seconds))

    def beat(self, jobs):
        if not jobs:
            return
        news = [job._take_news() for job in jobs]
        beats = [dict(job._held, **one) for job, one in zip(jobs, news)]
        seconds = max(2, min(10, self.lease_seconds / 3))
        try:
            answer = self.call(self.client, HEARTBEAT, {'worker': self.name, 'jobs': beats}, seconds)
        except Away:
            for job, one in zip(jobs, news):
                job._put_back(one)
            raise
        for job, beat in zip(jobs, answer['heartbeats']):
            if not beat['isHeld']:
                self.lose(job)
            elif beat['cancelRequested']:
                job.cancelled.set()

    def lose(self, job):
        # whether an outcome that is under way was accepted, its answer tells
        if not job._is_reporting and not job._is_lost:
            self.note('job %s is no longer held: what comes of it will be dropped' % job.id)
            job._lose()

    def send_lines(self, job, first, lines, unfinished):
        sent, more = lines, {'unfinished': unfinished}
        if not unfinished:
            more = {}
        elif not self.tells_unfinished:
            sent, more = [line for place, line in enumerate(lines) if place not in unfinished], {}
        try:
            if sent:
                self.insist(APPEND, dict(job._held, firstLine=first, lines=sent, **more))
            return len(sent)
        except Refused as refusal:
            if more and refusal.code == 'BAD_REQUEST':  # an older server
                self.tells_unfinished = False
                return self.send_lines(job, first, lines, unfinished)
            self.note('job %s: the log from line %d on was refused: %s' % (job.id, first, refusal))
            if refusal.code == 'STALE_LEASE':
                self.lose(job)
        except Away as away:
            self.note('job %s: the log from line %d on is lost: %s' % (job.id, first, away))
        return None

    # -- working

    def work(self, job):
        self.here.job = job
        try:
            operation, report = outcome_of(job)
            self.descriptors.finish()
            job._is_reporting = True
            if job._is_lost:
                self.note('job %s: the outcome of attempt %d was dropped, its lease is lost' % (job.id, job.attempt))
            else:
                self.report(job, operation, report)
        except Exception:
            self.note(traceback.format_exc())  # a fault of this file: the lease runs out
        finally:
            with self.moved:
                del self.jobs[job.id]
                self.moved.notify_all()
            if self.stopping.is_set():
                self.mail.put(None)

    def report(self, job, operation, report):
        job._lines.close()
        try:
            if job._news:
                self.beat([job])
        except (Away, Refused):
            pass  # the outcome matters more
        try:
            self.insist(operation, dict(job._held, **report))
        except Away as away:
            self.note('job %s: the outcome of attempt %d could not be told: %s' % (job.id, job.attempt, away))
        except Refused as refusal:
            if operation is FAIL or refusal.code in ('STALE_LEASE', 'NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED'):
                self.note('job %s: the outcome of attempt %d was dropped: %s' % (job.id, job.attempt, refusal))
            else:
                self.report(job, *failure('The result was refused: %s' % refusal, is_retryable=False))

    # -- the end

    def release(self, held):
        return len(self.client.call(RELEASE, {'jobs': held}, LAST_SECONDS)['jobs']) if held else 0

    def give_back(self):
        """Gives back what is still held; the functions that work on it run on for nobody."""
        jobs = list(self.jobs.values())
        until = time.monotonic() + LAST_SECONDS / 2
        for job in jobs:
            job._lines.close(max(0, until - time.monotonic()))
        self.quitting.set()
        try:
            self.note('gave back %d jobs' % self.release([job._held for job in jobs]))
        except (Away, Refused) as error:
            self.note('could not give back %d jobs: %s' % (len(jobs), error))
        for job in jobs:
            job._lose()
        self.descriptors.finish()  # what follows goes to the console, as far as there is time

    def run(self):
        """Works until it is told to stop by a signal, or until a claim is refused."""
        claiming = threading.Thread(target=self.claim, name='millrace-claims', daemon=True)
        holding = threading.Thread(target=self.hold, name='millrace-leases', daemon=True)
        claiming.start()
        holding.start()
        self.note('%s works for %s, %d at a time' % (self.name, ', '.join(self.services), self.concurrency))
        word = self.mail.get()
        with self.moved:
            self.stopping.set()
            self.moved.notify_all()
        if word == signal.SIGINT:
            self.leave(word, claiming)
        if isinstance(word, Exception):
            self.note('cannot claim: %s' % word)
        self.note('stopping: %s' % ('%d jobs to finish' % len(self.jobs) if self.jobs else 'no job to finish'))
        until = time.monotonic() + self.grace_seconds
        self.end_claim(claiming)
        while self.jobs and time.monotonic() < until:
            try:
                more = self.mail.get(timeout=until - time.monotonic())
            except (queue.Empty, ValueError):
                break
            if isinstance(more, int):
                self.leave(more, claiming)
        code = 1 if isinstance(word, Exception) else 0
        if self.jobs:
            self.give_back()
            end_process(code)  # functions that do not end must not keep it
        return code

    def end_claim(self, claiming):
        until = time.monotonic() + LAST_SECONDS
        while claiming.is_alive() and time.monotonic() < until:
            if self.is_waiting:
                self.claims.abort()
            claiming.join(0.05)

    def leave(self, signum, claiming):
        """Gives everything back and ends the process at once."""
        self.end_claim(claiming)
        if self.jobs:
            self.give_back()
        end_process(128 + signum)


def end_process(code):
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # nobody is there to read it
    os._exit(code)


class Signals:
    """While it is open, SIGTERM and SIGINT are told instead of obeyed; by this process, not by forks of it."""

    def __init__(self, tell):
        self._tell = tell
        self._old = {}

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            return  # Python has signals for the main thread only
        for signum in (signal.SIGTERM, signal.SIGINT):
            self._old[signum] = signal.signal(signum, lambda number, _frame: self._tell(number))
        if hasattr(os, 'register_at_fork'):
            # held back meanwhile: what reaches a fork before it has its own ways again would be lost
            os.register_at_fork(
                before=lambda: self._mask(signal.SIG_BLOCK),
                after_in_parent=lambda: self._mask(signal.SIG_UNBLOCK),
                after_in_child=lambda: (self._restore(), self._mask(signal.SIG_UNBLOCK)),
            )

    def __exit__(self, *_):
        self._restore()
        self._old = {}

    def _mask(self, how):
        if self._old:
            signal.pthread_sigmask(how, self._old)

    def _restore(self):
        for signum, handler in self._old.items():
            signal.signal(signum, handler)


def held_by(lease):
    return {'jobId': lease['job']['id'], 'fence': lease['fence']}


def failure(message, is_retryable, detail=None):
    return FAIL, {'message': storable(message), 'isRetryable': is_retryable, 'detail': detail}


def outcome_of(job):
    """Calls the function of a job: what to report, and with what."""
    handler = handlers.get(job.function, handlers.get(None))
    if handler is None:
        known = ', '.join(sorted(handlers))
        return failure('This worker has no function "%s", only: %s.' % (job.function, known), is_retryable=False)
    try:
        result = handler(job)
    except BaseException as error:  # sys.exit() in a function is no reason to end the worker
        if isinstance(error, Cancelled) and job.cancelled.is_set():
            return failure('Cancelled.', is_retryable=False)
        name = type(error).__name__
        # without the frame of this file
        trace = ''.join(traceback.format_exception(type(error), error, error.__traceback__.tb_next or error.__traceback__))
        job.log(trace)
        detail = {'type': name, 'traceback': storable(trace[-MAX_TRACE_CHARS:], MAX_TRACE_CHARS)}
        message = '%s: %s' % (name, error) if str(error) else name
        return failure(message, not isinstance(error, NonRetryable), detail)
    try:
        return COMPLETE, {'result': plain(result, 'result')}
    except (TypeError, ValueError) as error:
        return failure('The function returned what cannot be sent: %s.' % error, is_retryable=False)


def run(url=None, token=None, service=None, concurrency=1, name=None, lease_seconds=30, grace_seconds=20,
        organization=None):
    """Works on the jobs of one or more queue services until SIGTERM, then finishes what has begun.

    `service` is an id or a handle, or several (a list, or with commas). `organization` is the only one to work in,
    for a token that is good for several. What is not given comes from MILLRACE_URL, MILLRACE_TOKEN,
    MILLRACE_ORGANIZATION and MILLRACE_SERVICE. What has not ended `grace_seconds` after SIGTERM is given back. A second
    SIGTERM, or SIGINT, gives everything back at once. Ends the process with 1 when the server refuses its claims.
    """
    wanted = service or os.environ.get('MILLRACE_SERVICE') or ''
    services = [one.strip() for one in (wanted.split(',') if isinstance(wanted, str) else wanted) if one.strip()]
    if not services:
        raise ValueError('no service: give service=... or set MILLRACE_SERVICE')
    if not handlers:
        raise ValueError('no function is registered: decorate one with @worker("name")')
    if not 1 <= concurrency <= 1_000 or not 1 <= lease_seconds <= 3_600:
        raise ValueError('concurrency is from 1 to 1000, lease_seconds from 1 to 3600')
    name = storable(name or '%s-%d' % (socket.gethostname(), os.getpid()), 200)
    one = Worker(*settings(url, token, organization), services, concurrency, name, int(lease_seconds), grace_seconds)
    with Signals(one.mail.put), Captured(one):
        code = one.run()
    if code != 0:
        sys.exit(code)


def main():
    """python millrace.py my_module: works with the functions a module registers, or with my_module:function alone."""
    parser = argparse.ArgumentParser(prog='millrace', description=main.__doc__)
    parser.add_argument('target', help='module, or module:function to call for jobs of any function name')
    parser.add_argument('--url', help='address of the server (default: MILLRACE_URL)')
    parser.add_argument('--organization', help='organization to work in: handle or ID (default: MILLRACE_ORGANIZATION)')
    parser.add_argument('--service', help='IDs or handles of queue services, separated by commas (default: MILLRACE_SERVICE)')
    parser.add_argument('--concurrency', type=int, default=1, help='number of jobs to run at the same time, in threads (default: 1)')
    parser.add_argument('--name', help='name of the worker (default: host and process)')
    parser.add_argument('--lease-seconds', type=int, default=30, help='time without a heartbeat after which the worker loses its jobs (default: 30)')
    parser.add_argument('--grace-seconds', type=float, default=20, help='time that running jobs have to end after SIGTERM (default: 20)')
    options = vars(parser.parse_args())
    sys.path.insert(0, os.getcwd())
    module, _, function = options.pop('target').partition(':')
    found = importlib.import_module(module)
    if function:
        worker()(getattr(found, function))
    try:
        run(**options)
    except ValueError as error:
        parser.error(str(error))


if __name__ == '__main__':
    sys.modules['millrace'] = sys.modules['__main__']  # so that modules that import it register with this very copy
    main()
