/**
 * Prints a number every few milliseconds, and writes how far it has come into a file of this folder after each: so
 * much has left it, whatever becomes of it or of the server.
 */
export const counter = (folder: string, label = '') => ({
  files: {
    'main.py': [
      'import itertools, threading, time, uuid',
      'me = uuid.uuid4().hex[:8]',
      `note = open(f"${folder}/{me}", "w")`,
      'def count():',
      '    for n in itertools.count(1):',
      '        print(me, n, flush=True)',
      '        note.seek(0)',
      '        note.write(str(n))',
      '        note.flush()',
      '        time.sleep(0.02)',
      'threading.Thread(target=count, daemon=True).start()',
      'def handler(request, context):',
      `    return {"content": me + "${label}"}`,
      '',
    ].join('\n'),
  },
})
