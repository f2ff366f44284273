"""Serves one handler over HTTP, by the contract of ABEJA's Python runtime (docs: contract abeja 4.3).

    HANDLER=main:handler PORT=8000 python millrace_handler.py

Where MILLRACE_INSTANCE_KEY is set, only requests with this key in the header Millrace-Instance-Key are answered. The
handler sees neither.

The handler is `handler(request, context)`; see Request, and read_result for what it returns (docs/handlers.md). It is
called in the main thread, for one request at a time, in the order the requests were complete. Connections are read in
threads of their own, so a slow sender holds nobody up, and bodies above 1 MiB are kept in a file. SIGTERM closes the
door, finishes what has arrived, and exits 0.

A sender that closes its half of a connection counts as gone, and its waiting request is dropped.

Python 3.8 and later, standard library only; one file, so that it can be read, copied and run by itself.
"""

import array
import csv
import datetime
import hmac
import importlib
import inspect
import io
import json
import math
import numbers
import os
import queue
import re
import select
import shutil
import signal
import socket
import socketserver
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from email.parser import HeaderParser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

MEMORY_BYTES = 1024 * 1024
BLOCK_BYTES = 64 * 1024
MAX_PARTS = 10_000
MAX_PART_HEAD_BYTES = 64 * 1024
IDLE_SECONDS = 75
KEY_HEADER = 'millrace-instance-key'
FAILURE = b'{"status": "unexpected error occurred"}'
FRAMING = {'connection', 'content-length', 'date', 'server', 'transfer-encoding'}
NEVER_A_BODY = {204, 304}
MAX_NESTING = 200
BYTES = (bytes, bytearray, memoryview, array.array)
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class BadRequest(Exception):
    """The sender broke the protocol; the message goes back to it."""


# ---------------------------------------------------------------- the request, as the handler sees it


class Fields(dict):
    """A dict whose keys are attributes too: request['http_method'] is request.http_method."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Request(Fields):
    """Has http_method, content_type, headers ([{'key', 'values'}], keys in lower case), http_headers (see HttpHeaders) and
    contents, the list of parts. request['metadata'] is that of the first part, and no key: ABEJA's runtime has it so.

    A multipart body has several parts, the fields of a query (GET and HEAD) are parts too, and any other body is one
    part, byte for byte, also where it is empty.
    """

    def __init__(self, source, **fields):
        super().__init__(**fields)
        self._source = source

    def __missing__(self, key):
        if key != 'metadata':
            raise KeyError(key)
        return self['contents'][0]['metadata'] if self['contents'] else None

    def read(self, size=-1):
        """The bytes of the first part, or the next `size` of them; of a GET, its query as it was sent."""
        return self._source.read(size)

    def close(self):
        self._source.close()
        for one in self['contents']:
            one.close()


class Part(Fields):
    """Has content_type, metadata (None: nobody sends any), body, file_name and form_name; `read` and `close` are the body's."""

    def read(self, size=-1):
        return self['body'].read(size)

    def close(self):
        self['body'].close()


class HttpHeaders(Mapping):
    """Headers by name, in any case: http_headers['Accept'] is the last value of it, None where there is none.

    A header that came several times is there several times: `get_all` has its values, and len, keys, items and values
    count each. Iteration gives pairs, as werkzeug's headers do.
    """

    def __init__(self, headers):
        self._pairs = [(header['key'], value) for header in headers for value in header['values']]

    def get_all(self, key):
        return [value for name, value in self._pairs if name.lower() == key.lower()]

    def __getitem__(self, key):
        return (self.get_all(key) or [None])[-1]

    def get(self, key, default=None):
        return (self.get_all(key) or [default])[-1]

    def __contains__(self, key):
        return bool(self.get_all(key))

    has_key = __contains__

    def __iter__(self):
        return iter(self._pairs)

    def __len__(self):
        return len(self._pairs)

    def keys(self):
        return (name for name, _ in self._pairs)

    def items(self):
        return iter(self._pairs)

    def values(self):
        return (value for _, value in self._pairs)

    def __repr__(self):
        return repr(self._pairs)


class Body(io.RawIOBase):
    """A window on the bytes of a request: read, readline, seek and iterate like any binary file; bytes(body) is all.

    Whoever asks for its `name` or `fileno` gets those of a temporary file with a copy, which goes with the body.
    """

    mode = 'rb'

    def __init__(self, file, start, end):
        super().__init__()
        self._file, self._start, self._end, self._at = file, start, end, start
        self._copy = None

    @property
    def name(self):
        return self._own_file().name

    def fileno(self):
        descriptor = self._own_file().fileno()
        os.lseek(descriptor, self.tell(), os.SEEK_SET)
        return descriptor

    def _own_file(self):
        self._must_be_open()
        if self._copy is None:
            at = self.seek(0, io.SEEK_CUR)
            self.seek(0)
            self._copy = tempfile.NamedTemporaryFile(prefix='body-')
            shutil.copyfileobj(self, self._copy)
            self._copy.flush()
            self.seek(at)
        return self._copy

    def close(self):
        if getattr(self, '_copy', None) is not None:
            self._copy.close()
        super().close()

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        self._must_be_open()
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = min(max(base + offset, self._start), self._end)
        return self._at - self._start

    def tell(self):
        self._must_be_open()
        return self._at - self._start

    def read(self, size=-1):
        self._must_be_open()
        left = self._end - self._at
        self._file.seek(self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data

    def readall(self):
        return self.read()

    read1 = read

    def peek(self, size=-1):
        at = self.tell()
        data = self.read(size if size > 0 else BLOCK_BYTES)
        self.seek(at)
        return data

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    readinto1 = readinto

    def readline(self, size=-1):
        self._must_be_open()
        self._file.seek(self._at)
        left = self._end - self._at
        line = self._file.readline(left if size is None or size < 0 else min(size, left))
        self._at += len(line)
        return line

    def _must_be_open(self):
        if self.closed:
            raise ValueError('the body is closed')

    def __len__(self):
        return self._end - self._start

    def __bytes__(self):
        self._file.seek(self._start)
        return self._file.read(self._end - self._start)


def part(body, content_type, form_name=None, file_name=None):
    return Part(content_type=content_type, metadata=None, body=body, file_name=file_name, form_name=form_name)


def request_of(method, target, content_type, headers, file, length):
    query = urlsplit(target).query
    if method in ('GET', 'HEAD') and length == 0:
        content_type, source = 'application/x-www-form-urlencoded', body_of(query)
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARTS)
        contents = [text_part(name, value) for name, value in fields] or [part(source, content_type)]
    else:
        content_type = content_type or 'application/octet-stream'
        contents = parts_of(content_type, file, length)
        source = contents[0]['body'] if contents else body_of('')
    return Request(
        source,
        http_method=method,
        content_type=content_type,
        headers=headers,
        http_headers=HttpHeaders(headers),
        contents=contents,
    )


def parts_of(content_type, file, length):
    main, params = parameters(content_type)
    if main == 'multipart/form-data':
        if not params.get('boundary'):
            raise BadRequest('multipart/form-data needs a boundary')
        return multipart(file, length, params['boundary'].encode('utf-8', 'replace'))
    return [part(Body(file, 0, length), content_type)]


def text_part(name, value):
    return part(body_of(value), 'text/plain', form_name=name)


def body_of(text):
    data = text.encode('utf-8', 'surrogateescape')
    return Body(io.BytesIO(data), 0, len(data))


def parameters(value):
    """'multipart/form-data; boundary=x' as ('multipart/form-data', {'boundary': 'x'})."""
    message = HeaderParser().parsestr('content-type: %s\n\n' % value.replace('\n', ' '))
    return message.get_content_type(), {key.lower(): text for key, text in message.get_params([])[1:]}


def multipart(file, length, boundary):
    """The parts of a multipart body (RFC 7578), as windows on the file: nothing is copied."""
    marks = list(boundaries(file, length, b'--' + boundary))
    if not marks or not marks[-1][2]:
        raise BadRequest('the multipart body is cut off: its last boundary is missing')
    parts = []
    for (_, start, _), (end, _, _) in zip(marks, marks[1:]):
        head, body_start = part_head(file, start, end)
        headers = HeaderParser().parsestr(head.decode('utf-8', 'replace'))
        name = headers.get_param('name', header='content-disposition')
        if isinstance(name, tuple):  # RFC 2231: (charset, language, text)
            name = name[2]
        content_type = headers.get('content-type', 'text/plain')
        body = Body(file, body_start, end)
        parts.append(part(body, content_type, form_name=name, file_name=headers.get_filename()))
    return parts


def boundaries(file, length, delimiter):
    """(where the line break before it begins, where what follows begins, is it the last) for every boundary line."""
    pattern = re.compile(b'(?:^|\r\n)' + re.escape(delimiter) + b'(--|[ \t]*(?=\r\n))')
    keep = len(delimiter) + 256
    buffer, base, last_end, count = b'', 0, 0, 0
    file.seek(0)
    while base + len(buffer) < length:
        buffer += file.read(min(BLOCK_BYTES, length - base - len(buffer)))
        for match in pattern.finditer(buffer, max(last_end - base, 0)):
            if match.group().startswith(delimiter) and base > 0:
                continue  # the start of a block is not the start of the body
            last_end = base + match.end()
            count += 1
            if count > MAX_PARTS:
                raise BadRequest('the multipart body has more than %d parts' % MAX_PARTS)
            yield base + match.start(), last_end + 2, match.group(1) == b'--'
            if match.group(1) == b'--':
                return
        drop = max(len(buffer) - keep, 0)
        buffer, base = buffer[drop:], base + drop


def part_head(file, start, end):
    file.seek(start)
    head = file.read(min(end - start, MAX_PART_HEAD_BYTES))
    if head.startswith(b'\r\n'):
        return b'', start + 2
    size = head.find(b'\r\n\r\n')
    if size == -1:
        raise BadRequest('a part of the multipart body has no end of its headers')
    return head[:size], start + size + 4


# ---------------------------------------------------------------- the answer


def answer(connection, handler, request):
    """Calls the handler and writes what it returns. False when the connection cannot be used any more."""
    try:
        status, headers, pieces, length = read_result(handler(request, {}))
    except (Exception, SystemExit):
        traceback.print_exc()
        status, length, pieces = 500, len(FAILURE), iter([FAILURE])
        headers = [('Content-Type', 'application/json')]
    try:
        return write_answer(connection, request['http_method'], status, headers, pieces, length)
    except OSError as error:
        print('The answer could not be sent: %s' % error, file=sys.stderr)
    except (Exception, SystemExit):  # the answer has begun: all that is left is to break it off, visibly
        traceback.print_exc()
    finally:
        getattr(pieces, 'close', lambda: None)()
    return False


def read_result(result):
    """(status, headers, iterator of bytes, length or None) of what a handler returned; raises for what is none."""
    if inspect.isgenerator(result):
        raise TypeError('the handler is a generator, as in the first runtime of ABEJA: it must return a dict')
    if not isinstance(result, dict):
        raise TypeError('the handler returned %s, not a dict' % type(result).__name__)
    status = int(result.get('status_code') or 200)
    if not 200 <= status <= 599:
        raise ValueError('status_code %d is no final HTTP status' % status)
    content_type = header_value(result.get('content_type') or 'text/plain')
    headers = [('Content-Type', content_type)]
    for key, value in (result.get('metadata') or {}).items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", str(key)):
            raise ValueError('metadata has %r, which is no name of a header' % key)
        if str(key).lower() == 'content-type':
            headers[0] = ('Content-Type', header_value(value))
        elif str(key).lower() not in FRAMING:
            headers.append((str(key), header_value(value)))
    table = Table() if content_type.split(';')[0].strip().lower() == 'text/csv' else None
    content = result.get('content')
    elements = elements_of(content, table)
    pieces = written(elements, table, is_list=elements is content)
    if isinstance(elements, (list, tuple)):  # what is complete fails before the answer begins, or not at all
        whole = list(pieces)
        return status, headers, iter(whole), sum(len(piece) for piece in whole)
    first = next(pieces, b'')  # a failure before the first element is still a clean 500
    return status, headers, chain(first, pieces), None


def elements_of(content, table):
    """What is written one after the other; a single value is a list of itself."""
    if content is None:
        return []
    if isinstance(content, (*BYTES, str, Mapping)):
        return [content]
    if hasattr(content, 'tolist'):  # an array of numpy and the like is one value, or the rows of a table
        return [content] if table is None else content.tolist()
    if hasattr(content, 'to_dict'):  # it would give the names of its columns
        raise TypeError('content is a %s: give its .values, or a text' % type(content).__name__)
    return content if hasattr(content, '__iter__') else [content]


def written(elements, table, is_list):
    """Element by element: bytes as they are, all others as they are in ABEJA's runtime; texts and JSON begin a line."""
    line_end = b''
    try:
        for place, element in enumerate(elements):
            if isinstance(element, BYTES):
                yield bytes(element)
            elif isinstance(element, str):
                yield line_end + element.encode('utf-8', 'surrogateescape')
            elif table is not None:
                yield table.row(keyed(element))
            else:
                yield line_end + json_bytes(keyed(element), 'content.%d' % place if is_list else 'content')
            line_end = b'\n'
    finally:
        getattr(elements, 'close', lambda: None)()


def keyed(element):
    """A list of pairs of a key and a value as a dict, anything else as it is."""
    if not isinstance(element, list) or not element:
        return element
    is_keyed = all(isinstance(one, (list, tuple)) and len(one) == 2 and isinstance(one[0], str) for one in element)
    return dict(element) if is_keyed else element


class Table:
    """CSV, row by row. A dict has its cells in the order of the first one, whose keys are the header."""

    def __init__(self):
        self._names = None

    def row(self, element):
        lines = []
        if isinstance(element, Mapping):
            if self._names is None:
                self._names = list(element)
                lines.append(self._names)
            more = [key for key in element if key not in self._names]
            if more:
                raise ValueError('a row of the CSV has %r, which the first row has not' % more[0])
            lines.append([element.get(name, '') for name in self._names])
        else:
            cells = element.tolist() if hasattr(element, 'tolist') else element
            if not isinstance(cells, (list, tuple)):
                raise TypeError('a row of the CSV is %s: give a dict or a list' % type(element).__name__)
            lines.append(cells)
        text = io.StringIO(newline='')
        csv.writer(text).writerows(lines)
        return text.getvalue().encode('utf-8', 'surrogateescape')


def chain(first, rest):
    try:
        yield first
        yield from rest
    finally:
        rest.close()


def json_bytes(value, path):
    """JSON in UTF-8. Raises TypeError and ValueError, naming the place, for what JSON has no word for."""
    try:
        return dumped(value)
    except (TypeError, ValueError, RecursionError):
        pass  # what follows tells more, and alone
    return dumped(plain(value, path))


def dumped(value):
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=simpler).encode('utf-8')
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(value, allow_nan=False, default=simpler).encode('ascii')


def simpler(value):
    """The same in terms that JSON has a word for; whatever has `tolist` is taken for an array or a number of numpy."""
    if isinstance(value, (datetime.date, datetime.time)):
        if value != value:  # NaT of pandas, which is a date to Python
            raise TypeError('not a time')
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value.items())
    found = value.tolist() if hasattr(value, 'tolist') else value
    if type(found) is not type(value):
        return found
    if found is not value and isinstance(value, numbers.Real):  # longdouble is a list of itself
        return float(value)
    raise TypeError('a %s' % type(value).__name__)


def plain(value, path, depth=0):
    """The slow way, for what json.dumps has refused: all of it made simpler, also the keys, or an error with its place."""
    if depth > MAX_NESTING:
        raise ValueError('%s is nested more than %d deep' % (path[:200], MAX_NESTING))
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, (float, datetime.date)):
        if value != value or (isinstance(value, float) and math.isinf(value)):
            raise ValueError('%s is %s, which JSON has no word for: give None, or a text of your own' % (path, value))
        if isinstance(value, float):
            return value
    if isinstance(value, Mapping):
        return {key_of(key, path): plain(one, '%s.%s' % (path, key), depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one, '%s.%d' % (path, place), depth + 1) for place, one in enumerate(value)]
    try:
        found = simpler(value)
    except TypeError:
        raise TypeError('%s is a %s, which JSON cannot hold' % (path, type(value).__name__)) from None
    return plain(found, path, depth + 1)


def key_of(key, path):
    found = key.tolist() if hasattr(key, 'tolist') else key
    if found is None or isinstance(found, (str, int, float)):
        return found
    raise TypeError('%s has a %s for a key, which JSON cannot hold' % (path, type(key).__name__))


def header_value(value):
    text = str(value)
    if re.search(r'[\x00-\x08\x0a-\x1f\x7f]', text):
        raise ValueError('a header cannot have the value %r' % text)
    return text.encode('utf-8').decode('latin-1')


def write_answer(connection, method, status, headers, pieces, length):
    has_body = method != 'HEAD' and status not in NEVER_A_BODY
    is_chunked = length is None and has_body and connection.request_version == 'HTTP/1.1'
    stays = not connection.close_connection and not door.is_closing and (length is not None or is_chunked)
    if is_chunked:
        headers.append(('Transfer-Encoding', 'chunked'))
    elif length is not None and status not in NEVER_A_BODY:
        headers.append(('Content-Length', str(length)))
    if not stays:
        headers.append(('Connection', 'close'))
    lines = ['HTTP/1.1 %d %s' % (status, PHRASES.get(status, ''))]
    lines += ['%s: %s' % header for header in headers]
    head = '\r\n'.join(lines + ['', '']).encode('latin-1')
    send = connection.wfile.write
    if not has_body:
        send(head)
        return stays
    for data in pieces:
        if is_chunked:
            data = b'%x\r\n%b\r\n' % (len(data), data) if data else b''
        if head or data:
            send(head + data)
            head = b''
    end = b'0\r\n\r\n' if is_chunked else b''
    if head or end:
        send(head + end)
    return stays


# ---------------------------------------------------------------- the server


class Connection(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (BadRequest, ValueError) as error:
            self.send_error(400, str(error))
            self.close_connection = True
        except OSError:
            self.close_connection = True

    def parse_request(self):
        if not super().parse_request():
            return False
        if is_key(', '.join(self.headers.get_all(KEY_HEADER, []))):
            return True
        self.send_error(403, 'the instance answers its server only')
        return False

    def serve(self):
        with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
            length = self.read_body(file)
            content_type = self.headers.get('Content-Type')
            request = request_of(self.command, self.path, content_type, self.header_list(), file, length)
            if door.is_closing:
                return self.send_error(503, 'the instance is stopping')
            turn = Turn(self, request)
            turns.put(turn)
            turn.over.wait()
            self.close_connection = not turn.stays

    def __getattr__(self, name):
        if name.startswith('do_'):  # do_GET and so on: every method is the handler's
            return self.serve
        raise AttributeError(name)

    def header_list(self):
        values = {}
        for key, value in self.headers.items():
            values.setdefault(key.lower(), []).append(value)
        values.pop(KEY_HEADER, None)
        return [{'key': key, 'values': texts} for key, texts in values.items()]

    def read_body(self, file):
        encoding = self.headers.get('Transfer-Encoding', '').strip().lower()
        if encoding == 'chunked':
            return self.read_chunks(file)
        if encoding not in ('', 'identity'):
            raise BadRequest('the transfer encoding %r is not known here' % encoding)
        lengths = set(self.headers.get_all('Content-Length', ['0']))
        text = lengths.pop().strip()
        if lengths or not re.fullmatch('[0-9]{1,18}', text):
            raise BadRequest('the content length is no number')
        self.copy(file, int(text))
        return int(text)

    def read_chunks(self, file):
        total = 0
        while True:
            size = self.rfile.readline(1024).split(b';')[0].strip()
            if not re.fullmatch(b'[0-9A-Fa-f]{1,15}', size):
                raise BadRequest('the size of a chunk is no number')
            if int(size, 16) == 0:
                break
            self.copy(file, int(size, 16))
            total += int(size, 16)
            if self.rfile.readline(3) not in (b'\r\n', b'\n'):
                raise BadRequest('a chunk has no end')
        while self.rfile.readline(BLOCK_BYTES) not in (b'\r\n', b'\n', b''):
            pass  # trailers
        return total

    def copy(self, file, size):
        while size:
            data = self.rfile.read(min(size, BLOCK_BYTES))
            if not data:
                raise ConnectionError('the sender broke off')
            file.write(data)
            size -= len(data)

    def send_error(self, code, message=None, explain=None):
        text = message or HTTPStatus(code).phrase
        body = json.dumps({'status': text}).encode()
        self.send_response_only(code)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        pass  # standard error belongs to the handler


class Turn:
    """A complete request that waits for its turn in the main thread."""

    def __init__(self, connection, request):
        self.connection, self.request = connection, request
        self.over, self.stays = threading.Event(), False

    def take(self, handler):
        try:
            if not self.is_abandoned():
                self.stays = answer(self.connection, handler, self.request)
        finally:
            self.over.set()

    def is_abandoned(self):
        """True when the sender has hung up: nobody would hear the answer."""
        try:
            heard, _, _ = select.select([self.connection.connection], [], [], 0)
            return bool(heard) and not self.connection.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return False


class Door(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256
    is_closing = False

    def serve(self):
        while not self.is_closing:
            try:
                request, address = self.get_request()
            except OSError:  # the door was closed, or there are too many open files
                time.sleep(0.01)
                continue
            self.process_request(request, address)

    def close(self, *_):
        self.is_closing = True
        turns.put(None)
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in accept
        except OSError:
            pass
        self.socket.close()

    def handle_error(self, request, client_address):
        traceback.print_exc()


turns = queue.SimpleQueue()
door = None
instance_key = None


def is_key(text):
    """True where there is no key as well: whoever started it by hand is answered, as is everybody else."""
    return instance_key is None or hmac.compare_digest(
        text.encode('utf-8', 'surrogateescape'), instance_key.encode('utf-8', 'surrogateescape')
    )


def load(name):
    module, separator, function = name.partition(':')
    if not (module and separator and function):
        raise ImportError('HANDLER is %r; it must be <module>:<function>, like main:handler' % name)
    found = importlib.import_module(module)
    for step in function.split('.'):
        found = getattr(found, step)
    if not callable(found):
        raise ImportError('%s is no function' % name)
    return found


def main():
    global door, instance_key
    instance_key = os.environ.pop('MILLRACE_INSTANCE_KEY', None) or None
    # one write a line, so that lines of threads and child processes do not run into each other
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(
            encoding='utf-8', errors='backslashreplace', line_buffering=True, write_through=False
        )
    sys.path[0] = os.getcwd()
    handler = load(os.environ.get('HANDLER') or 'main:handler')
    door = Door((os.environ.get('HOST', '127.0.0.1'), int(os.environ.get('PORT', '8000'))), Connection)

    signal.signal(signal.SIGTERM, door.close)
    threading.Thread(target=door.serve, daemon=True).start()
    for turn in iter(turns.get, None):
        turn.take(handler)
    sys.stdout.flush()


if __name__ == '__main__':
    main()
