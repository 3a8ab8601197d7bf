"""What the example services share: a small HTTP server for one operation on
pictures, with the standard library alone.

    serve({'/api/remove': remove}, name='rembg')

remove(call) is given the request (see Call) and returns (media type, bytes), or
something that is sent as JSON.  It runs in a thread per call, no more of them
at once than --jobs; others wait.  What is wrong with the request is raised as
ValueError (400) or PermissionError (403), with the reason as JSON.  A path that
begins with "*" stands for all that end so.
"""

import argparse
import http.server
import json
import os
import signal
import socketserver
import sys
import threading
import time
import urllib.parse

BODY_MAX = 64 * 1024 * 1024


def parse_form(kind, body):
    """[(name, file)], {name: value} of multipart/form-data (RFC 7578)."""

    files, fields = [], {}
    boundary = kind.partition('boundary=')[2].partition(';')[0].strip(' "')

    if not boundary:
        raise ValueError('multipart without a boundary')

    parts = (b'\r\n' + body).split(b'\r\n--' + boundary.encode())

    if len(parts) < 2 or not parts[-1].startswith(b'--'):
        raise ValueError('multipart body is not complete')

    for part in parts[1:-1]:
        head, _, value = part.partition(b'\r\n\r\n')
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()

        if b'filename=' in head:
            files.append((name, value))
        else:
            fields[name] = value.decode()

    return files, fields


class Call:
    """A request: files and fields of its form or query (a plain body counts as
    the file "file"), and its headers.  "parts" has all files, in order."""

    def __init__(self, headers, query, body):
        kind = headers.get('Content-Type', '')

        self.headers = headers
        self.fields = dict(urllib.parse.parse_qsl(query))

        if kind.startswith('multipart/form-data'):
            self.parts, fields = parse_form(kind, body)
            self.fields.update(fields)
        else:
            self.parts = [('file', body)]

        self.files = dict(self.parts)

    def file(self, name):
        if not self.files.get(name):
            raise ValueError('the form has no file in its field "%s"' % name)

        return self.files[name]

    def json(self):
        try:
            return json.loads(self.file('file'))
        except (UnicodeDecodeError, RecursionError, ValueError) as error:
            raise ValueError('the body is no JSON: %s' % error)

    def secret(self, name):
        """Any key will do here; the real product knows its own."""

        if not self.headers.get(name):
            raise PermissionError('the header "%s" is missing' % name)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 300

    def do_GET(self):
        self.log_message('GET %s', self.path)
        self.send(200, {'service': self.server.name,
                        'paths': sorted(self.server.operations)})

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        operation = self.operation(url.path)
        start = time.monotonic()

        try:
            length = int(self.headers.get('Content-Length', -1))

            if not 0 <= length <= BODY_MAX:
                self.close_connection = True
                return self.send(413 if length > BODY_MAX else 411,
                                 {'error': 'Content-Length is needed, %d bytes '
                                           'at most' % BODY_MAX})

            body = self.rfile.read(length)

            if operation is None:
                return self.send(404, {'error': 'no such path'})

            call = Call(self.headers, url.query, body)

            with self.server.slots:
                answer = operation(call)

        except ValueError as error:
            return self.send(400, {'error': str(error)})
        except PermissionError as error:
            return self.send(403, {'error': str(error)})
        except ConnectionError:
            self.close_connection = True
            return

        if isinstance(answer, tuple):
            self.send(200, answer[1], answer[0])
        else:
            self.send(200, answer)

        self.log_message('%s: %d ms', self.path,
                         1000 * (time.monotonic() - start))

    def operation(self, path):
        for name, operation in self.server.operations.items():
            if path == name or name[0] == '*' and path.endswith(name[1:]):
                return operation

        return None

    def send(self, status, body, kind='application/json'):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode() + b'\n'

        try:
            self.send_response(status)
            self.send_header('Content-Type', kind)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            # the pipeline canceled the call
            self.close_connection = True

    def log_request(self, *ignored):
        pass

    def log_message(self, form, *values):
        if not self.server.quiet:
            print('%s: %s' % (self.server.name, form % values),
                  file=sys.stderr, flush=True)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def server_bind(self):
        # HTTPServer would look up the name of its address
        socketserver.TCPServer.server_bind(self)


def serve(operations, name):
    options = argparse.ArgumentParser()
    options.add_argument('--host', default='127.0.0.1')
    options.add_argument('--port', type=int, default=7000,
                         help='0: a free one, printed at start')
    options.add_argument('--jobs', type=int, default=os.cpu_count() or 1,
                         help='calls worked on at once')
    options.add_argument('--quiet', action='store_true')
    options = options.parse_args()

    server = Server((options.host, options.port), Handler)
    server.operations = operations
    server.name = name
    server.quiet = options.quiet
    server.slots = threading.Semaphore(options.jobs)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *ignored: os._exit(0))

    print(server.server_address[1], flush=True)
    server.serve_forever()
