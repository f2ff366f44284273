"""Serves one handler over HTTP, by the contract of ABEJA's Python runtime (docs: contract abeja 4.3).

    HANDLER=main:handler PORT=8000 python millrace_handler.py

Where MILLRACE_INSTANCE_KEY is set, only requests with this key in the header Millrace-Instance-Key are answered. The
handler sees neither.

The handler is `handler(request, context)`; see Request. It is called in the main thread, for one request at a time, in
the order the requests were complete. Connections are read in threads of their own, so a slow sender holds nobody up,
and bodies above 1 MiB are kept in a file. SIGTERM closes the door, finishes what has arrived, and exits 0.

A sender that closes its half of a connection counts as gone, and its waiting request is dropped.

Python 3.8 and later, standard library only; one file, so that it can be read, copied and run by itself.
"""

import hmac
import importlib
import io
import json
import os
import queue
import re
import select
import signal
import socket
import socketserver
import sys
import tempfile
import threading
import time
import traceback
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
FRAMING = {'connection', 'content-length', 'content-type', 'date', 'server', 'transfer-encoding'}
NEVER_A_BODY = {204, 304}
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
    """Has http_method, content_type, headers ([{'key', 'values'}], keys in lower case) and contents, the list of parts.

    A part has content_type, file_name, form_name and body. A multipart body has several parts, the fields of a query
    (GET and HEAD) are parts too, and any other body is one part, byte for byte.
    """

    def read(self, size=-1):
        """The bytes of the first part, or the next `size` of them."""
        return self['contents'][0]['body'].read(size) if self['contents'] else b''


class Body(io.RawIOBase):
    """A window on the bytes of a request: read, readline, seek and iterate like any binary file; bytes(body) is all."""

    def __init__(self, file, start, end):
        super().__init__()
        self._file, self._start, self._end, self._at = file, start, end, start

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = min(max(base + offset, self._start), self._end)
        return self._at - self._start

    def tell(self):
        return self._at - self._start

    def read(self, size=-1):
        left = self._end - self._at
        self._file.seek(self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data

    def readall(self):
        return self.read()

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, size=-1):
        self._file.seek(self._at)
        left = self._end - self._at
        line = self._file.readline(left if size is None or size < 0 else min(size, left))
        self._at += len(line)
        return line

    def __len__(self):
        return self._end - self._start

    def __bytes__(self):
        self._file.seek(self._start)
        return self._file.read(self._end - self._start)


def part(body, content_type, form_name=None, file_name=None):
    return Fields(content_type=content_type, file_name=file_name, form_name=form_name, body=body)


def parts_of(method, target, content_type, file, length):
    query = urlsplit(target).query
    if method in ('GET', 'HEAD') and length == 0:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARTS)
        return [text_part(name, value) for name, value in fields]
    main, params = parameters(content_type)
    if main == 'multipart/form-data':
        if not params.get('boundary'):
            raise BadRequest('multipart/form-data needs a boundary')
        return multipart(file, length, params['boundary'].encode('utf-8', 'replace'))
    return [part(Body(file, 0, length), content_type)]


def text_part(name, value):
    data = value.encode('utf-8', 'surrogateescape')
    return part(Body(io.BytesIO(data), 0, len(data)), 'text/plain', form_name=name)


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
    if not isinstance(result, dict):
        raise TypeError('the handler returned %s, not a dict' % type(result).__name__)
    status = int(result.get('status_code') or 200)
    if not 200 <= status <= 599:
        raise ValueError('status_code %d is no final HTTP status' % status)
    headers = [('Content-Type', header_value(result.get('content_type') or 'text/plain'))]
    for key, value in (result.get('metadata') or {}).items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", str(key)):
            raise ValueError('metadata has %r, which is no name of a header' % key)
        if str(key).lower() not in FRAMING:
            headers.append((str(key), header_value(value)))
    content = result.get('content')
    whole = whole_bytes(content)
    if whole is not None:
        return status, headers, iter([whole]), len(whole)
    pieces = streamed(content)
    first = next(pieces, b'')  # a failure before the first element is still a clean 500
    return status, headers, chain(first, pieces), None


def whole_bytes(content):
    if content is None:
        return b''
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, str):
        return content.encode('utf-8', 'surrogateescape')
    if isinstance(content, dict) or not hasattr(content, '__iter__'):
        return json_bytes(content)
    return None


def streamed(content):
    """An iterable element by element; between two elements that are JSON stands a newline."""
    was_json = False
    try:
        for element in content:
            is_json = not isinstance(element, (bytes, bytearray, memoryview, str))
            data = json_bytes(element) if is_json else whole_bytes(element)
            yield b'\n' + data if is_json and was_json else data
            was_json = is_json
    finally:
        getattr(content, 'close', lambda: None)()


def chain(first, rest):
    try:
        yield first
        yield from rest
    finally:
        rest.close()


def json_bytes(value):
    return json.dumps(value, ensure_ascii=False).encode('utf-8', 'surrogatepass')


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
    if is_chunked:
        send(b'0\r\n\r\n')
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
            content_type = self.headers.get('Content-Type') or 'application/octet-stream'
            request = Request(
                http_method=self.command,
                content_type=content_type,
                headers=self.header_list(),
                contents=parts_of(self.command, self.path, content_type, file, length),
            )
            if door.is_closing:
                return self.send_error(503, 'the instance is stopping')
            turn = Turn(self, request)
            turns.put(turn)
            turn.over.wait()
            self.close_connection = not turn.stays

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

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
