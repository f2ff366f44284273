/** Archives of the three kinds of programs, and how to run them. */

export const python = {
  files: {
    'main.py': [
      'import os',
      'print("python up", flush=True)',
      'def handler(request, context):',
      '    return {"content": "python"}',
      '',
    ].join('\n'),
  },
}

export const node = {
  files: {
    'main.js': [
      'console.log("node up")',
      "export const handler = () => new Response('node')",
      '',
    ].join('\n'),
    'package.json': '{"type":"module"}',
  },
  image: 'node:20',
}

/** A shell with children of its own, one of which answers. */
export const command = {
  files: {
    'run.sh': 'sleep 1000 &\n(sleep 1000; sleep 1000) &\npython3 -u server.py & wait\n',
    'server.py': [
      'import http.server, os, signal, sys',
      'def stop(*_):',
      '    print("command says goodbye", flush=True)',
      '    os._exit(0)',
      'signal.signal(signal.SIGTERM, stop)',
      'class Answer(http.server.BaseHTTPRequestHandler):',
      '    def do_GET(self):',
      '        self.send_response(200)',
      '        self.send_header("content-length", "7")',
      '        self.end_headers()',
      '        self.wfile.write(b"command")',
      '    def log_message(self, *_): pass',
      'http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()',
      '',
    ].join('\n'),
  },
  command: 'sh run.sh',
}

/** What listens, and answers nobody: nothing starts faster or takes less. */
export const listener = {
  files: { 'main.txt': 'a program that only listens' },
  command: `exec python3 -S -c "
import os, socket
s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
while True: s.accept()[0].close()"`,
}

/** Prints a number every few milliseconds, from where the environment says. */
export const counter = {
  files: {
    'main.py': [
      'import itertools, threading, time, uuid',
      'me = uuid.uuid4().hex[:8]',
      'def count():',
      '    for n in itertools.count(1):',
      '        print(me, n, flush=True)',
      '        time.sleep(0.01)',
      'threading.Thread(target=count, daemon=True).start()',
      'def handler(request, context):',
      '    return {"content": me}',
      '',
    ].join('\n'),
  },
}
