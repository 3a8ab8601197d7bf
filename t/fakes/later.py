#!/usr/bin/env python3

"""Services that finish later, in the wire formats of the real ones.

    later.py [PORT]            prints its port, serves until it is killed

    POST /v1/predictions       Replicate: {id, status, urls: {get, cancel}}, then
                               starting, processing, succeeded with output URLs
    POST /fal-ai/model         fal: {request_id, status_url, response_url}
    POST /gradio_api/call/NAME Gradio: {event_id}, then its stream of events,
                               whose result names a file of this server
    POST /accepted             202 and a relative Location; 202 until 303
    POST /links?to=URL&to=...  {"links": [...]}: any addresses, at once
    GET  /file/N               an image, or what was PUT there

?asks=N: questions until it is done (2); ?fail=1: it fails in the end;
?break=N: the first N questions are answered with 503.

    GET /_seen                 [[method, path, headers], ...] since POST /_reset
"""

import http.server
import json
import sys
import threading
import time
import urllib.parse


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port):
        super().__init__(('127.0.0.1', port), Handler)
        self.lock = threading.Lock()
        self.jobs = {}
        self.files = {}
        self.seen = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *ignored):
        pass

    def begin(self):
        url = urllib.parse.urlsplit(self.path)
        self.where = url.path
        self.query = urllib.parse.parse_qs(url.query)
        self.base = 'http://' + self.headers['Host']
        self.body = self.rfile.read(int(self.headers.get('Content-Length',
                                                         0)))

        if not self.where.startswith('/_'):
            with self.server.lock:
                self.server.seen.append(
                    [self.command, self.path,
                     {name.lower(): value
                      for name, value in self.headers.items()}])

    def number(self, name, default=0):
        return int(self.query.get(name, [default])[0])

    def reply(self, body, status=200, kind='application/json', **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()

        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))

        for name, value in headers.items():
            self.send_header(name, value)

        self.end_headers()
        self.wfile.write(body)

    def job(self):
        """A new one: its number."""

        with self.server.lock:
            number = len(self.server.jobs) + 1
            self.server.jobs[number] = {
                'asks': self.number('asks', 2), 'fail': self.number('fail'),
                'break': self.number('break'), 'body': self.body}

        return number

    def asked(self, number):
        """None: broken, and told; else (the job, is it done?)."""

        with self.server.lock:
            job = self.server.jobs[number]

            if job['break']:
                job['break'] -= 1
                broken = True
            else:
                broken = False
                job['asks'] -= 1

        if broken:
            self.reply({'error': 'busy'}, 503)
            return None, False

        return job, job['asks'] <= 0

    def do_PUT(self):
        self.begin()
        self.server.files[self.where] = (self.body,
                                         self.headers['Content-Type'])
        self.reply({})

    def do_POST(self):
        self.begin()
        parts = self.where.strip('/').split('/')

        if self.where == '/_reset':
            self.server.seen = []
            self.reply({})
        elif self.where == '/v1/predictions':
            number = self.job()
            self.reply(self.prediction(number, 'starting'), 201)
        elif parts[0] == 'fal-ai':
            base = '%s/%s/requests/%d' % (self.base, '/'.join(parts),
                                          self.job())
            self.reply({'request_id': base.rpartition('/')[2],
                        'status': 'IN_QUEUE', 'queue_position': 0,
                        'response_url': base, 'status_url': base + '/status',
                        'cancel_url': base + '/cancel'})
        elif self.where.startswith('/gradio_api/call/'):
            self.reply({'event_id': 'e%d' % self.job()})
        elif self.where == '/accepted':
            self.reply(b'', 202, 'text/plain',
                       Location='accepted/%d' % self.job())
        elif self.where == '/links':
            self.reply({'links': self.query['to']})
        else:
            self.reply({'error': 'no such place'}, 404)

    def prediction(self, number, status, **more):
        url = '%s/v1/predictions/%d' % (self.base, number)
        return {'id': str(number), 'status': status, 'error': None,
                'urls': {'get': url, 'cancel': url + '/cancel'}, **more}

    def do_GET(self):
        self.begin()
        parts = self.where.strip('/').split('/')

        if self.where == '/_seen':
            self.reply(self.server.seen)
        elif self.where in self.server.files:
            body, kind = self.server.files[self.where]
            self.reply(body, 200, kind)
        elif self.where.startswith('/v1/predictions/'):
            self.get_prediction(int(parts[2]))
        elif parts[0] == 'fal-ai':
            self.get_fal(parts)
        elif self.where.startswith('/gradio_api/call/'):
            self.get_gradio(int(parts[3][1:]))
        elif parts[0] == 'accepted':
            self.get_accepted(int(parts[1]))
        elif self.where == '/elsewhere':
            self.reply(b'', 302, 'text/plain', Location='/file/a')
        else:
            self.reply({'error': 'no such place'}, 404)

    def get_prediction(self, number):
        job, done = self.asked(number)

        if job and not done:
            self.reply(self.prediction(number, 'processing'))
        elif job and job['fail']:
            self.reply(self.prediction(number, 'failed', error='CUDA: no sk-1'))
        elif job:
            self.reply(self.prediction(
                number, 'succeeded',
                output=[self.base + '/file/a', self.base + '/file/b']))

    def get_fal(self, parts):
        number = int(parts[parts.index('requests') + 1])

        if parts[-1] != 'status':
            self.reply({'image': {'url': self.base + '/file/a',
                                  'content_type': 'image/png'}, 'seed': 1})
            return

        job, done = self.asked(number)

        if job:
            self.reply({'status': 'COMPLETED' if done else 'IN_PROGRESS'},
                       200 if done else 202)

    def get_gradio(self, number):
        job = self.server.jobs[number]
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream; charset=utf-8')
        self.send_header('Connection', 'close')
        self.end_headers()

        for n in range(job['asks']):
            self.wfile.write(b'event: heartbeat\ndata: null\n\n')
            self.wfile.flush()
            time.sleep(0.05)

        if job['fail']:
            self.wfile.write(b'event: error\ndata: null\n\n')
        else:
            value = [{'path': '/tmp/gradio/a.png', 'mime_type': None,
                      'url': self.base + '/file/a', 'orig_name': 'a.png',
                      'meta': {'_type': 'gradio.FileData'}}]
            self.wfile.write(b'event: complete\ndata: %s\n\n'
                             % json.dumps(value).encode())

        self.close_connection = True

    def get_accepted(self, number):
        job, done = self.asked(number)

        if job and not done:
            self.reply(b'', 202, 'text/plain')
        elif job:
            self.reply(b'', 303, 'text/plain', Location='/file/a')


def main():
    server = Server(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == '__main__':
    main()
