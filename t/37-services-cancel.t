#!/usr/bin/env python3

# "poll ... cancel=POINTER": who is still at work for a job that was deleted is
# told, at the address that its answer had: as Replicate has it (urls.cancel,
# POST), and fal (cancel_url, PUT).

import http.server
import json
import threading

from imgp import Nginx, tap, wait_for
from pictures import unique_png

STAGES = {
    'job': 'poll /urls/get every=50ms status=/status done=succeeded'
           ' failed=failed|canceled cancel=/urls/cancel;',
    'fal': 'poll /urls/get every=50ms status=/status done=succeeded'
           ' cancel=PUT:/cancel_url;',
    'gone': 'poll /urls/get every=50ms status=/status done=succeeded'
            ' cancel=DELETE:/urls/get;',
    'plain': 'poll /urls/get every=50ms status=/status done=succeeded'
             ' failed=failed|canceled;',
    'far': 'poll /urls/get every=50ms status=/status done=succeeded'
           ' cancel=/urls/elsewhere;',
}


class Replicate(http.server.BaseHTTPRequestHandler):
    """Predictions that end when they are canceled, or asked for often."""

    protocol_version = 'HTTP/1.1'
    came = []
    ends = False

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length'] or 0))
        self.answer('POST')

    def do_PUT(self):
        self.rfile.read(int(self.headers['Content-Length'] or 0))
        self.answer('PUT')

    def do_DELETE(self):
        self.rfile.read(int(self.headers['Content-Length'] or 0))
        self.answer('DELETE')

    def do_GET(self):
        self.answer('GET')

    def answer(self, method):
        Replicate.came.append((method, self.path,
                               self.headers['Authorization']))
        base = 'http://127.0.0.1:%d/v1/predictions/abc' \
            % self.server.server_address[1]
        body = json.dumps({
            'id': 'abc', 'status': 'succeeded' if Replicate.ends
                                   else 'processing', 'output': 'x',
            'cancel_url': base + '/cancel',
            'urls': {'get': base, 'cancel': base + '/cancel',
                     'elsewhere': 'http://127.0.0.2:1/cancel'}}).encode()

        self.send_response(201 if method == 'POST' else 200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def asked(path):
    return [call for call in list(Replicate.came) if call[1] == path]


def canceled(name, number):
    """A job that is deleted while its service is asked again and again."""

    Replicate.came.clear()
    location = nginx.post('/%s/' % name,
                          unique_png(number)).headers['Location']
    wait_for(lambda: len(asked('/v1/predictions/abc')) > 1)
    tap.is_(nginx.delete(location).json['status'], 'canceled',
            name + ': a job is canceled')


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Replicate)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()

nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name) for name in STAGES), workers=2,
              http='image_pipeline_path %%STORE%% zone=jobs:8m sync=off;\n'
                   'image_pipeline_threads image;\n' + ''.join(
                       'image_pipeline %s { stage call { timeout 1m;'
                       ' post http://127.0.0.1:%%%%PEER%%%%/v1/predictions;'
                       ' header Authorization "Bearer secret";'
                       ' take json /output; %s } }\n' % item
                       for item in STAGES.items()),
              PEER=server.server_address[1]).start()

for number in range(3):
    canceled('job', number)
    tap.ok(wait_for(lambda: asked('/v1/predictions/abc/cancel')),
           'the service is told')
    tap.is_(asked('/v1/predictions/abc/cancel'),
            [('POST', '/v1/predictions/abc/cancel', 'Bearer secret')],
            '... once, with the key')

for name, call in ('fal', ('PUT', '/v1/predictions/abc/cancel')), \
        ('gone', ('DELETE', '/v1/predictions/abc')):
    canceled(name, 5)
    tap.ok(wait_for(lambda: (*call, 'Bearer secret') in Replicate.came),
           name + ': by ' + call[0])

canceled('far', 10)
tap.ok(wait_for(lambda: nginx.logged('cannot be told to stop')),
       'another host is not')

canceled('plain', 11)
Replicate.ends = True
location = nginx.post('/job/', unique_png(12)).headers['Location']
tap.is_(nginx.finish(location)['status'], 'succeeded', 'one that ends')
tap.is_([call for call in Replicate.came if 'cancel' in call[1]], [],
        'is not told, nor is a service without "cancel"')

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
